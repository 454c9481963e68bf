"""Bibles as people write them, people and places by name, with what people get wrong in them."""

from typing import Any

import pytest

from tests.workflows.novel.planted.bibles import NAMES, changed, findings, hits, load

CONTENTS = {name: load(name) for name in NAMES}
PLANTED = [(name, one) for name, content in CONTENTS.items() for one in content["planted"]]


@pytest.mark.parametrize("name", NAMES)
async def test_a_bible_with_names_for_ids_holds_together(name: str) -> None:
    """Nothing is found in it, not even a note."""
    assert await findings(CONTENTS[name]["novel"], CONTENTS[name]["bible"]) == []


@pytest.mark.parametrize(("name", "planted"), PLANTED, ids=[f"{name}-{one['what']}" for name, one in PLANTED])
async def test_what_is_planted_is_told_of(name: str, planted: dict[str, Any]) -> None:
    """By a sentence that names it; what needs a reader who understands the text is known not to be."""
    content = CONTENTS[name]
    found = await findings(content["novel"], changed(content["bible"], planted["change"]))
    assert bool(hits(planted, found)) != planted.get("needs_reader", False), found
