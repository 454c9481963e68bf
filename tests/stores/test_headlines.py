"""The newest headline of each task: told late, twice, and in any order."""

import itertools

import pytest

from server.models import Headline, Status
from server.stores import headlines as module
from server.stores.base import Changes
from server.stores.headlines import Headlines
from tests.making import TASK, life

BORN = Headline.of_life(life(generation="first1", created_at=1000))
RUNS = BORN._replace(epoch=1, seq=3, status=Status.RUNNING)
ENDED = BORN._replace(epoch=1, seq=9, status=Status.COMPLETED)
TAKEN_OVER = BORN._replace(epoch=2, seq=4, status=Status.RUNNING)
LATER = Headline.of_life(life(number=2, generation="second", created_at=2000))


def known(headlines: Headlines) -> list[Headline]:
    return list(headlines)


@pytest.mark.parametrize("told", list(itertools.permutations([BORN, RUNS, TAKEN_OVER, LATER])))
def test_the_newest_counts_in_whatever_order_it_was_told(told: tuple[Headline, ...]) -> None:
    """A later life before an older one, then the later epoch, then the later event."""
    headlines = Headlines()
    for each in told:
        assert headlines.put(each) is not None
    assert known(headlines) == [LATER]


def test_what_is_late_or_told_twice_changes_nothing() -> None:
    """And nobody hears of it."""
    headlines = Headlines()
    assert headlines.put(ENDED)
    cursor = headlines.since(None).cursor
    for each in (ENDED, RUNS, BORN):
        assert headlines.put(each) is False
    assert known(headlines) == [ENDED]
    assert headlines.since(cursor) == Changes(cursor, [], [], anew=False)


def test_an_owner_who_has_overtaken_another_is_believed_with_fewer_events() -> None:
    """What its predecessor had written, and did not count, is not there any more."""
    headlines = Headlines()
    headlines.put(ENDED)
    assert headlines.put(TAKEN_OVER)
    assert headlines.put(ENDED) is False
    assert known(headlines) == [TAKEN_OVER]


def test_what_was_removed_stays_away_whatever_is_told_of_it_late() -> None:
    """Also where its removal was told first."""
    headlines = Headlines()
    assert not headlines.drop(TASK, BORN.generation)
    assert headlines.put(RUNS) is False
    assert TASK not in headlines
    assert headlines.put(LATER)
    assert not headlines.drop(TASK, BORN.generation), "the removal of another life"
    assert headlines.drop(TASK, LATER.generation)
    assert len(headlines) == 0


def test_whether_a_task_was_begun_again_with_lower_numbers_is_not_clear_from_what_is_told() -> None:
    """After a removal that nobody has told of: somebody has to look, and then it is clear."""
    headlines = Headlines()
    headlines.put(LATER)
    again = BORN._replace(generation="third3", created_at=3000)
    assert headlines.put(again) is None
    assert headlines.put(again._replace(number=2)) is None
    assert known(headlines) == [LATER]
    headlines.set(again)
    assert known(headlines) == [again]


def test_a_cursor_is_given_each_change_once_and_what_is_gone() -> None:
    """As it is now, however often it has changed in between."""
    headlines = Headlines()
    other = BORN._replace(task_id="f" * 32, generation="other1")
    headlines.put(BORN)
    start = headlines.since(None)
    assert (start.headlines, start.gone, start.anew) == ([BORN], [], True)
    headlines.put(RUNS)
    headlines.put(ENDED)
    headlines.put(other)
    headlines.drop(other.task_id)
    found = headlines.since(start.cursor)
    assert (list(found.headlines), list(found.gone), found.anew) == ([ENDED], [other.task_id], False)
    assert headlines.since(found.cursor) == Changes(found.cursor, [], [], anew=False)


def test_a_cursor_of_long_ago_or_of_another_process_gets_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    """And is told so."""
    monkeypatch.setattr(module, "CHANGES_KEPT", 2)
    headlines = Headlines()
    headlines.put(BORN)
    cursor = headlines.since(None).cursor
    headlines.put(RUNS)
    headlines.put(TAKEN_OVER)
    assert not headlines.since(cursor).anew
    headlines.put(LATER)
    for old in (cursor, 99, "nonsense"):
        found = headlines.since(old)
        assert (list(found.headlines), found.anew) == ([LATER], True)


def test_a_log_that_turns_out_to_be_damaged_ends_earlier_than_was_told() -> None:
    """In whatever order it is told; and an owner who sets the task going again counts over that."""
    failed = BORN._replace(epoch=1, seq=4, status=Status.FAILED)
    for told in itertools.permutations([RUNS, ENDED, failed]):
        headlines = Headlines()
        for each in told:
            headlines.put(each)
        assert known(headlines) == [failed]
        assert headlines.put(TAKEN_OVER)
