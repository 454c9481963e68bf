"""Exports of the DevTools Recorder play as they are."""

import shutil
from pathlib import Path
from typing import Any

import orjson
import pytest
from anyio import fail_after, run_process
from pydantic import ValidationError

from server.sources.chromium.pool import Chromium
from server.workflows.browse.steps import Recording
from tests.workflows.browse.recordings import FORM, click, form, key
from tests.workflows.browse.site import Site
from tests.workflows.browse.test_pages import browse

RESOLVES = "require.resolve('@puppeteer/replay'); require.resolve('puppeteer-core')"


@pytest.mark.browser
@pytest.mark.anyio
async def test_each_kind_of_field_is_filled_and_the_new_tab_is_played_in(pool: Chromium, odd_site: Site) -> None:
    """What is taken in the end is the page itself."""
    result, _ = await browse(pool, {"recording": form(odd_site.url), "captures": ["text"]})
    item = result["items"][0]
    assert item["error"] is None
    assert odd_site.posted == [FORM]
    assert sorted(odd_site.kept, key=str) == [{"inner": "in the frame"}, {"terms": "read"}]
    assert "Hello 李雷" in item["text"]
    assert not {"popup", "target_moved"} & {note["code"] for note in item["notes"]}


@pytest.mark.browser
@pytest.mark.anyio
async def test_google_s_own_player_leaves_the_same_behind(pool: Chromium, odd_site: Site) -> None:
    """Where ``npm i @puppeteer/replay puppeteer-core`` was done, and NODE_PATH leads there."""
    node = shutil.which("node")
    if node is None or (await run_process([node, "-e", RESOLVES], check=False)).returncode:
        pytest.skip("@puppeteer/replay is not installed here")
    player = [node, str(Path(__file__).with_name("replay.cjs")), str(pool.find())]
    with fail_after(90):
        played = await run_process(player, input=orjson.dumps(form(odd_site.url)), check=False)
    assert played.returncode == 0, played.stderr.decode()
    assert odd_site.posted == [FORM]
    assert sorted(odd_site.kept, key=str) == [{"inner": "in the frame"}, {"terms": "read"}]


@pytest.mark.browser
@pytest.mark.anyio
async def test_what_a_recording_can_do_besides_is_done(pool: Chromium, odd_site: Site) -> None:
    """Keys that lead on, a pop-up that is closed, the way back, and a network that is gone."""
    second = odd_site.url + "/second"
    opened = {"type": "navigate", "url": odd_site.url + "/"}
    steps: list[dict[str, Any]] = [
        opened,
        click("aria/Second", assertedEvents=[{"type": "navigation", "url": "", "title": ""}]),
        click("h1", button="back"),
        {"type": "waitForElement", "selectors": ["aria/Second"]},
        {"type": "navigate", "url": odd_site.url + "/popup"},
        click("#open"),
        {"type": "close", "target": second},
        {"type": "emulateNetworkConditions", "download": 0, "upload": 0, "latency": 0},
    ]
    result, _ = await browse(
        pool,
        {"recording": {"title": "", "steps": steps}},
        {"recording": {"title": "", "steps": [*steps, opened]}, "retries": 0},
        {"recording": {"title": "", "steps": [opened, click("h1", target=second, timeout=300)]}, "retries": 0},
        {"recording": {"title": "", "steps": [opened, *key("Tab"), *key("Enter")]}},
    )
    codes = [item["error"] and item["error"]["code"] for item in result["items"]]
    assert codes == [None, "unreachable", "no_target", None]
    assert result["items"][3]["final_url"] == second


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ({"type": "waitForExpression", "expression": "true"}, "Step 1 is a `waitForExpression`"),
        ({"type": "customStep", "name": "x", "parameters": {}}, "Step 1 is a `customStep`"),
        ({"type": "click", "selectors": []}, "selectors"),
        ({"type": "navigate", "url": "javascript:alert(1)"}, "http"),
        ({"type": "tap"}, "tap"),
    ],
)
def test_what_can_t_be_played_is_refused_with_the_step_and_the_reason(step: dict[str, Any], said: str) -> None:
    steps = [{"type": "navigate", "url": "http://a.example/"}, step]
    with pytest.raises(ValidationError, match=said):
        Recording.model_validate({"title": "", "steps": steps})
