"""Each odd page has a clear result of its own, and the batch goes on."""

from typing import Any

import orjson
import pytest
from anyio import fail_after

from server.sources.chromium.pool import Chromium
from server.workflows.browse.downloads import csv_of
from server.workflows.browse.workflow import browse_workflow
from server.workflows.rehearsal import RehearsalContext
from tests.workflows.browse.site import Site

pytestmark = [pytest.mark.browser, pytest.mark.anyio]


async def browse(pool: Chromium, *tasks: dict[str, Any], model: Any = None, **more: Any) -> Any:
    """The result and the context of a batch."""
    workflow = browse_workflow(pool, model)
    context = RehearsalContext()
    params = workflow.params.model_validate({"tasks": list(tasks), **more})
    with fail_after(90):
        result: Any = await workflow.run(context, params)
    assert pool.in_use == 0
    return result, context


async def test_what_is_asked_for_is_captured(pool: Chromium, odd_site: Site) -> None:
    """Each file is what it says; the text is that of the page."""
    wanted = ["text", "screenshot", "pdf", "html", "links", "tables", "trace"]
    result, context = await browse(pool, {"url": odd_site.url + "/second", "captures": wanted})
    item = result["items"][0]
    assert (item["status"], item["http_status"], item["attempts"]) == ("completed", 200, 1)
    assert "This is the second page." in item["text"]
    assert [one["capture"] for one in item["artifacts"]] == wanted
    kept = context.artifacts
    assert kept["000.png"].startswith(b"\x89PNG")
    assert kept["000.pdf"].startswith(b"%PDF")
    assert kept["000.trace.zip"].startswith(b"PK")
    assert orjson.loads(kept["000.tables.json"]) == [{"caption": "Prices", "rows": [["Tea", "3"]]}]


@pytest.mark.parametrize(
    ("path", "code"),
    [("/nothing", "http_404"), ("/loop", "too_many_redirects"), ("/download", "download")],
)
async def test_a_page_that_fails_says_why_and_the_next_is_done(
    pool: Chromium, odd_site: Site, path: str, code: str
) -> None:
    result, _ = await browse(pool, {"url": odd_site.url + path}, {"url": odd_site.url + "/"})
    bad, good = result["items"]
    assert (bad["status"], bad["error"]["code"], good["status"]) == ("failed", code, "completed")
    assert bad["error"]["message"]


async def test_a_status_that_is_accepted_is_no_failure(pool: Chromium, odd_site: Site) -> None:
    result, _ = await browse(pool, {"url": odd_site.url + "/nothing", "accept_status": [404]})
    assert (result["items"][0]["status"], result["items"][0]["http_status"]) == ("completed", 404)


@pytest.mark.parametrize(
    ("path", "steps", "note"),
    [
        ("/dialog", [], "dialog"),
        ("/popup", [{"type": "click", "selectors": ["#open"]}], "popup"),
        ("/hanging", [], "still_loading"),
        ("/scroll", [{"type": "scroll", "to_end": True, "most": 3}], "scroll_bounded"),
    ],
)
async def test_what_a_page_tries_besides_is_told(
    pool: Chromium, odd_site: Site, path: str, steps: list[Any], note: str
) -> None:
    result, _ = await browse(pool, {"url": odd_site.url + path, "steps": steps})
    item = result["items"][0]
    assert item["status"] == "completed"
    assert note in [one["code"] for one in item["notes"]]
    assert item["text"]


async def test_chinese_is_chinese(pool: Chromium, odd_site: Site) -> None:
    result, context = await browse(pool, {"url": odd_site.url + "/chinese", "title": "茶叶"})
    assert "茶叶要密封保存，放在阴凉干燥的地方。" in result["items"][0]["text"]
    assert "完成" in context.report


async def test_a_form_is_filled_by_its_labels_and_sent_once(pool: Chromium, odd_site: Site) -> None:
    fill = {"Name": "Ann", "Password": "secret word", "Room": "b", "Stay": "true"}
    result, _ = await browse(pool, {"url": odd_site.url + "/login", "fill": fill, "submit": "Sign in"})
    assert odd_site.posted == [{"name": "Ann", "word": "secret word", "room": "b", "stay": "on"}]
    assert "Hello Ann" in result["items"][0]["text"]
    assert result["items"][0]["final_url"].endswith("/inside")


async def test_an_export_of_the_recorder_plays_as_it_is(pool: Chromium, odd_site: Site) -> None:
    """Its first selectors are out of date; one of the others finds the field."""
    recording = {
        "title": "Sign in",
        "steps": [
            {"type": "setViewport", "width": 1000, "height": 700, "deviceScaleFactor": 1, "isMobile": False,
             "hasTouch": False, "isLandscape": False},
            {"type": "navigate", "url": odd_site.url + "/login",
             "assertedEvents": [{"type": "navigation", "url": odd_site.url + "/login", "title": "A page"}]},
            {"type": "click", "target": "main", "selectors": [["aria/Name"], ["#gone"]], "offsetX": 4, "offsetY": 5},
            {"type": "change", "target": "main", "value": "Bo",
             "selectors": [["#gone"], ["xpath///*[@name='name']"], ["pierce/input[name=name]"]]},
            {"type": "keyDown", "target": "main", "key": "Tab"},
            {"type": "keyUp", "target": "main", "key": "Tab"},
            {"type": "change", "target": "main", "value": "word", "selectors": [["pierce/input[name=word]"]]},
            {"type": "click", "target": "main", "offsetX": 20, "offsetY": 9,
             "selectors": [["aria/Sign in[role=\"button\"]"], ["button"], ["text/Sign in"]],
             "assertedEvents": [{"type": "navigation", "url": odd_site.url + "/inside", "title": "A page"}]},
        ],
    }  # fmt: skip
    result, _ = await browse(pool, {"recording": recording})
    assert result["items"][0]["error"] is None
    assert odd_site.posted[0]["name"] == "Bo"
    assert "Hello Bo" in result["items"][0]["text"]


async def test_frames_and_shadow_roots_are_reached(pool: Chromium, odd_site: Site) -> None:
    inside = [{"type": "change", "frame": [0], "selectors": ["aria/Name"], "value": "Cy"}]
    shadow = [
        {"type": "click", "selectors": [["#host", "#inner"]]},
        {"type": "assertText", "text": "Inner was pressed."},
    ]
    result, _ = await browse(
        pool, {"url": odd_site.url + "/frames", "steps": inside}, {"url": odd_site.url + "/shadow", "steps": shadow}
    )
    assert [item["error"] for item in result["items"]] == [None, None]


async def test_what_is_extracted_has_its_names(pool: Chromium, odd_site: Site) -> None:
    rules = {
        "head": {"selector": "h1"},
        "cells": {"selector": "td", "all": True},
        "gone": {"selector": "h6"},
        "link": {"selector": "a", "attr": "href"},
    }
    result, _ = await browse(
        pool, {"url": odd_site.url + "/second", "extract": rules}, {"url": odd_site.url + "/", "extract": rules}
    )
    assert result["items"][0]["extracted"] == {"head": "Second", "cells": ["3"], "gone": None, "link": None}
    assert result["items"][1]["extracted"]["link"] == "/second"
    table = csv_of(result).decode("utf-8-sig").splitlines()
    assert table[0].endswith("head,cells,gone,link,text")
    assert len(table) >= 3


async def test_a_private_place_that_nobody_allowed_is_not_opened(pool: Chromium, odd_site: Site) -> None:
    result, _ = await browse(pool, {"url": "http://10.0.0.1/"}, {"url": "https://169.254.169.254/latest"})
    assert [item["error"]["code"] for item in result["items"]] == ["forbidden_address"] * 2


async def test_a_session_is_shared_where_that_is_asked_for(pool: Chromium, odd_site: Site) -> None:
    login = {"url": odd_site.url + "/login", "fill": {"Name": "Di"}, "submit": "Sign in"}
    after = {"url": odd_site.url + "/inside"}
    shared, _ = await browse(pool, login, after, share_session=True)
    alone, _ = await browse(pool, login, after)
    assert "Hello Di" in shared["items"][1]["text"]
    assert "Nobody is signed in" in alone["items"][1]["text"]


async def test_what_is_not_done_says_why(pool: Chromium, odd_site: Site) -> None:
    url = odd_site.url + "/"
    result, _ = await browse(
        pool,
        {"url": url, "expires_at": "2020-01-01T00:00:00Z"},
        {"url": url, "not_before": "2999-01-01T00:00:00Z"},
        {"url": url, "key": "done"},
        {"url": url, "goal": "Find the price."},
        {"url": odd_site.url + "/nothing"},
        {"url": url},
        completed=["done"],
        on_failure="stop",
    )
    assert [item["error"]["code"] for item in result["items"]] == [
        "expired", "not_due", "already_completed", "model_required", "http_404", "stopped_after_failure",
    ]  # fmt: skip
    assert result["needs_model"] == ["goal"]
    assert odd_site.asked["/"] == 0
