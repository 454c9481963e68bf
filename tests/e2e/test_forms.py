"""Forms that are made from the schemas of the kinds, whatever stands in them."""

import hashlib
from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Any

import httpx2
import pytest
from playwright.sync_api import Page, expect
from pydantic import Field, StringConstraints, field_validator

from server.workflows.base import Context, Params, Workflow
from tests.e2e.browsing import Visit, Visiting
from tests.e2e.test_page import REFUSED, TASK_ADDRESS
from tests.serving import Running, serving, settings

pytestmark = pytest.mark.browser


CONTENT = b"one word\n"


class Colour(StrEnum):
    RED = "red"
    GREEN = "green"


class Place(Params):
    """Where."""

    town: Annotated[str, StringConstraints(min_length=1, max_length=20)] = Field(title="Town")
    floor: int | None = Field(None, ge=-3, le=60, title="Floor")
    marks: list[Colour] = Field([], title="Marks")
    extra: dict[str, str] | None = Field(None, title="Extra")
    note: str = Field("", max_length=100, title="Note")


class Shapes(Params):
    """One of each."""

    wish: Annotated[str, StringConstraints(min_length=1, max_length=2000)] = Field(title="Wish")
    places: list[Place] = Field(title="Places", min_length=1, max_length=2)
    colour: Colour = Field(Colour.RED, title="Colour", json_schema_extra={"zh": {"title": "颜色"}})
    count: int = Field(3, ge=1, le=10, title="Count")
    share: float | None = Field(None, gt=0, lt=1, title="Share")
    loud: bool = Field(True, title="Loud")
    words: list[str] = Field([], max_length=3, title="Words")
    numbers: list[int] = Field([], title="Numbers")
    home: Place | None = Field(None, title="Home")
    rest: dict[str, Any] = Field({}, title="Rest")
    upload: str | None = Field(None, pattern="^[0-9a-f]{64}$", title="Upload")

    @field_validator("words")
    @classmethod
    def _are_short(cls, words: list[str]) -> list[str]:
        if any(len(word) > 10 for word in words):
            raise ValueError("a word has at most 10 letters")
        return words


async def run(context: Context, params: Shapes) -> Any:
    return params.model_dump(mode="json")


@pytest.fixture(scope="module")
def shaped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    workflow = Workflow(
        kind="shapes", version=1, params=Shapes, run=run, title=lambda params: params.wish, label={"en": "Shapes"}
    )
    with serving(settings(tmp_path_factory.mktemp("shapes")), workflows=[workflow]) as server:
        yield server


def opened(visit: Visit) -> Page:
    page = visit.open()
    page.get_by_label("Wish", exact=True).fill("All of it")
    page.locator(".options > summary").click()
    page.locator("[data-path='home'] > summary").click()
    page.locator("[data-path='places'] .group > summary").click()
    return page


def field(page: Page, path: str) -> Any:
    return page.locator(f"[data-path='{path}']").locator("input, select, textarea").first


def ask(page: Page) -> dict[str, Any]:
    """The parameters of the task that comes of it."""
    page.get_by_role("button", name="Ask", exact=True).click()
    page.wait_for_url(TASK_ADDRESS)
    told: dict[str, Any] = httpx2.get(page.url.replace("/t/", "/api/tasks/")).json()["params"]
    return told


def test_what_is_filled_in_is_what_is_asked_for(visiting: Visiting, shaped: Running) -> None:
    """Lists, nested fields, choices, numbers and JSON."""
    visit = visiting(shaped.url)
    page = opened(visit)
    field(page, "places.0.town").fill("Ulm")
    field(page, "places.0.floor").fill("-2")
    page.get_by_role("group", name="Marks").first.get_by_label("green").check()
    field(page, "places.0.extra").fill('{"door": "left"}')
    page.get_by_role("button", name="Add").first.click()
    expect(field(page, "places.1.town")).to_be_focused()
    page.keyboard.type("北京")
    field(page, "colour").select_option("green")
    field(page, "count").fill("7")
    field(page, "share").fill("0.25")
    field(page, "loud").uncheck()
    field(page, "words").fill("one\n\n two \n")
    field(page, "numbers").fill("1\n-5")
    field(page, "home.town").fill("Bern")
    field(page, "rest").fill('{"a": [1, {"b": null}]}')
    told = ask(page)
    assert told == {
        "wish": "All of it",
        "places": [
            {"town": "Ulm", "floor": -2, "marks": ["green"], "extra": {"door": "left"}, "note": ""},
            {"town": "北京", "marks": [], "note": ""},
        ],
        "colour": "green",
        "count": 7,
        "share": 0.25,
        "loud": False,
        "words": ["one", "two"],
        "numbers": [1, -5],
        "home": {"town": "Bern", "marks": [], "note": ""},
        "rest": {"a": [1, {"b": None}]},
    }
    page.get_by_role("button", name="Ask in another way").click()
    expect(field(page, "places.1.town")).to_have_value("北京")
    expect(page.get_by_label("Wish", exact=True)).to_have_value("All of it")
    page.get_by_role("button", name="Remove number 1").click()
    field(page, "count").fill("8")
    again = ask(page)
    assert again == {**told, "count": 8, "places": told["places"][1:]}
    visit.close()


WRONG = {
    "places.0.town": ("x" * 21, "At most 20 characters."),
    "places.0.floor": ("61", "At most 60."),
    "count": ("0", "At least 1."),
    "words": ("a\nb\nc\nd", "At most 3."),
    "home.floor": ("-4", "At least -3."),
    "rest": ("{", "This is no JSON."),
}


def test_what_is_wrong_is_said_at_its_field(visiting: Visiting, shaped: Running) -> None:
    """With the limit of its schema, however deep it is, and gone when it is put right."""
    visit = visiting(shaped.url, excused=REFUSED)
    page = opened(visit)
    field(page, "places.0.town").fill("Ulm")
    field(page, "home.town").fill("Ulm")
    for path, (value, said) in WRONG.items():
        before = field(page, path).input_value()
        field(page, path).fill(value)
        page.get_by_role("button", name="Ask", exact=True).click()
        line = page.locator(f"[data-path='{path}'] .field-error")
        expect(line).to_have_text(said)
        expect(field(page, path)).to_be_focused()
        expect(field(page, path)).to_have_attribute("aria-invalid", "true")
        field(page, path).fill(before)
        expect(line).to_be_hidden()
    visit.close()


def test_a_file_is_sent_when_it_is_chosen_and_named_by_its_id(visiting: Visiting, shaped: Running) -> None:
    """By the kind's parameter `upload`."""
    visit = visiting(shaped.url)
    page = opened(visit)
    field(page, "places.0.town").fill("Ulm")
    page.get_by_label("Upload", exact=True).set_input_files(
        {"name": "词.txt", "mimeType": "text/plain", "buffer": CONTENT}
    )
    expect(page.locator(".drop-state")).to_contain_text("词.txt, ")
    assert ask(page)["upload"] == hashlib.sha256(CONTENT).hexdigest()
    visit.close()


def test_the_servers_own_words_stand_at_a_field_that_the_page_has_none_for(visiting: Visiting, shaped: Running) -> None:
    """And what is missing is said where it is missing."""
    visit = visiting(shaped.url, excused=REFUSED)
    page = opened(visit)
    field(page, "words").fill("much-too-long-a-word")
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.locator("[data-path='places.0.town'] .field-error")).to_have_text("This is needed.")
    expect(field(page, "places.0.town")).to_be_focused()
    expect(page.locator("[data-path='words'] .field-error")).to_have_text("a word has at most 10 letters")
    visit.close()


def test_all_parameters_can_be_written_as_json(visiting: Visiting, shaped: Running) -> None:
    """What was filled in is there already; back among the fields it is as it was written."""
    visit = visiting(shaped.url, excused=REFUSED)
    page = opened(visit)
    field(page, "places.0.town").fill("Ulm")
    page.get_by_role("button", name="Edit as JSON").click()
    text = page.get_by_label("Parameters as JSON")
    expect(text).to_be_focused()
    expect(text).to_have_value('{\n  "wish": "All of it",\n  "places": [\n    {\n      "town": "Ulm"\n    }\n  ]\n}')
    text.fill('{"wish": "Other", "places": [{"town": "Bern", "hight": 1}]}')
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.locator(".options > .field .field-error")).to_contain_text("places.0.hight")
    text.fill('{"wish": "Other", "places": [{"town": "Bern"}], "count": 4}')
    page.get_by_role("button", name="Back to the fields").click()
    expect(field(page, "places.0.town")).to_have_value("Bern")
    assert ask(page)["count"] == 4
    visit.close()


def test_a_form_changes_its_language_and_keeps_what_is_in_it(visiting: Visiting, shaped: Running) -> None:
    """Labels come from the schema in both languages."""
    visit = visiting(shaped.url)
    page = opened(visit)
    field(page, "count").fill("9")
    page.get_by_role("button", name="中文").click()
    expect(page.get_by_label("颜色")).to_be_visible()
    expect(field(page, "count")).to_have_value("9")
    expect(page.locator("#query")).to_have_value("All of it")
    visit.close()
