"""A batch that runs into the same wall over and over pauses, and goes on when it is resumed."""

from typing import Any

import pytest
from anyio import fail_after

from server.errors import BatchBlocked
from server.sources.chromium.pool import Chromium
from server.workflows.browse.workflow import browse_workflow
from server.workflows.rehearsal import RehearsalContext
from server.workflows.streak import SAME_FAILURES, Streak
from tests.scripted import free_port
from tests.workflows.browse.site import Site, site


def failed(code: str = "unreachable", url: str = "http://a.example/") -> dict[str, Any]:
    return {"status": "failed", "url": url, "error": {"code": code, "message": "No answer."}}


def test_only_one_reason_at_one_host_without_a_break_is_a_streak() -> None:
    streak = Streak()
    done = {"status": "completed", "url": "http://a.example/", "error": None}
    skipped = {"status": "skipped", "url": "http://a.example/", "error": {"code": "expired", "message": ""}}
    for breaks in (done, failed("timeout"), failed(url="http://b.example/"), failed("not_found")):
        for _ in range(SAME_FAILURES - 1):
            assert streak.add(failed(), []) is None
        assert streak.add(skipped, []) is None
        assert streak.add(breaks, []) is None
    for number in range(SAME_FAILURES - 1):
        assert streak.add(failed(), [f"item:{number}"]) is None
    blocked = streak.add(failed(), [])
    assert blocked is not None
    assert blocked.pauses
    assert blocked.again == tuple(f"item:{number}" for number in range(SAME_FAILURES - 1))
    assert "a.example" in blocked.detail


@pytest.mark.parametrize(
    ("codes", "tried", "pauses"),
    [
        (["model_rejected", "model_rejected"], 2, True),
        (["model_rejected"], 1, False),
        (["model_rejected", "model_rejected"], 3, False),
        (["model_rejected", "goal_impossible"], 2, False),
        (["unreachable", "unreachable"], 2, False),
    ],
    ids=["all are refused", "one alone", "another run did one", "one got its plan", "pages that are not there"],
)
def test_a_batch_of_which_all_was_refused_pauses_at_its_end(codes: list[str], tried: int, pauses: bool) -> None:
    """A model's endpoint that takes nobody's question is to be put right; a page that is not there is a result."""
    streak = Streak()
    for number, code in enumerate(codes):
        assert streak.add(failed(code), [f"item:{number}"]) is None
    blocked = streak.end(tried)
    assert (blocked is not None) == pauses
    if blocked is not None:
        assert blocked.again == tuple(f"item:{number}" for number in range(len(codes)))


@pytest.mark.browser
@pytest.mark.anyio
async def test_a_host_that_is_down_pauses_the_batch_and_its_pages_are_tried_again(
    pool: Chromium, odd_site: Site
) -> None:
    """What was done before is not done again; what had not begun follows."""
    port, workflow = free_port(), browse_workflow(pool)
    gone = [{"url": f"http://127.0.0.1:{port}/page/{number}", "retries": 0} for number in range(SAME_FAILURES + 2)]
    params = workflow.params.model_validate({"tasks": [{"url": odd_site.url + "/", "captures": []}, *gone]})
    first = RehearsalContext()
    with pytest.raises(BatchBlocked, match=r"unreachable.*127\.0\.0\.1") as blocked, fail_after(90):
        await workflow.run(first, params)
    assert "item:11" not in first.journal
    kept = {key: found for key, found in first.journal.items() if key not in blocked.value.again}
    assert [key for key in kept if key.startswith("item:")] == ["item:0"]
    async with site(port=port) as back:
        with fail_after(90):
            result: Any = await workflow.run(RehearsalContext(kept), params)
        assert {item["status"] for item in result["items"]} == {"completed"}
        assert [back.asked[f"/page/{number}"] for number in range(len(gone))] == [1] * len(gone)
    assert odd_site.asked["/"] == 1
