"""People and engines at one bible, in any order: what a person wrote gives way only to somebody who had seen it."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import anyio
from hypothesis import given, settings
from hypothesis import strategies as st

from server.errors import RevisionConflict
from tests.workflows.novel.running import Shelf

CHAPTERS = 4
BASE = st.none() | st.integers(0, 14)
Request = dict[str, Any]

EDITS = st.builds(
    lambda number, text, base: {
        "task_type": "import",
        "bible": {"chapters": [{"number": number, "summary": text, "words": 100}]},
        "base_revision": base,
    },
    st.integers(1, CHAPTERS),
    st.sampled_from("甲乙丙"),
    BASE,
)
DROPS = st.builds(
    lambda number, base: {"task_type": "import", "bible": {"drop": [f"chapter:{number}"]}, "base_revision": base},
    st.integers(1, CHAPTERS),
    BASE,
)
OUTLINES = st.builds(
    lambda overwrite, base, part: {"overwrite": overwrite, "base_revision": base, "range": part},
    st.booleans(),
    BASE,
    st.none() | st.sampled_from(["1", "2-3", "1-4"]),
)


@settings(max_examples=60, deadline=None)
@given(requests=st.lists(EDITS | DROPS | OUTLINES, max_size=12))
def test_what_a_person_wrote_gives_way_only_to_who_had_seen_it(requests: list[Request]) -> None:
    """Each request that would not respect that is refused, and has changed nothing."""
    anyio.run(_one_after_the_other, requests)


async def _one_after_the_other(requests: list[Request]) -> None:
    shelf = Shelf()
    await shelf.run(frame={"title": "雾", "chapters": CHAPTERS, "words_per_chapter": 100})
    for wanted in requests:
        before = await shelf.bible()
        base = wanted["base_revision"]
        request = {**wanted, "base_revision": None if base is None else min(base, before["revision"])}
        refused = True
        with suppress(RevisionConflict):
            await shelf.run(**{name: value for name, value in request.items() if value is not None})
            refused = False
        after = await shelf.bible()
        if refused:
            assert after == before
        _gave_way_rightly(before, after, request["base_revision"])


def _gave_way_rightly(before: Mapping[str, Any], after: Mapping[str, Any], base: int | None) -> None:
    plans = {one["number"]: one for one in after["chapters"]}
    for plan in before["chapters"]:
        written = before["written"][f"chapter:{plan['number']}"]
        if written["by"] == "person" and plans.get(plan["number"]) != plan:
            assert base is not None, plan
            assert written["revision"] <= base, plan
    numbers = [one["revision"] for one in after["written"].values()]
    assert max(numbers, default=0) <= after["revision"]
