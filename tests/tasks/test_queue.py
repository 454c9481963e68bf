"""The order in which tasks wait."""

from server.tasks.queue import FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS, Queue
from tests.making import life

A, B, C = ("a" * 32, "b" * 32, "c" * 32)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def ids(queue: Queue) -> list[str]:
    return [each.task_id for each in queue.in_order()]


def test_the_urgent_come_first_then_the_old() -> None:
    """Nine is the most urgent."""
    queue = Queue(Clock())
    queue.add(life(A, created_at=3))
    queue.add(life(B, created_at=2))
    queue.add(life(C, created_at=9, priority=9))
    assert ids(queue) == [C, B, A]


def test_what_another_node_has_does_not_wait_until_it_comes_free() -> None:
    """Nor when it was ended there."""
    queue = Queue(Clock())
    first, second = life(A), life(B)
    queue.watch(first)
    queue.watch(second)
    assert ids(queue) == []
    assert queue.watched() == [first, second] or queue.watched() == [second, first]
    queue.has_come_free(first)
    assert ids(queue) == [A]
    queue.keep_only({A})
    assert queue.watched() == []
    assert B not in queue


def test_an_older_life_never_takes_the_place_of_a_newer_one() -> None:
    """Whoever still has the older one in hand."""
    queue = Queue(Clock())
    older, newer = life(A), life(A, number=2)
    queue.add(newer)
    queue.watch(older)
    queue.forget(older)
    assert queue.in_order() == [newer]


def test_what_has_to_be_given_up_is_tried_later_and_later() -> None:
    """Up to a minute; success forgets it."""
    clock = Clock()
    queue = Queue(clock)
    pauses = []
    for _ in range(9):
        queue.note_outcome(A, gave_up=True)
        started = clock.now
        while queue.is_put_off(A):
            clock.now += 0.5
        pauses.append(clock.now - started)
    assert pauses[:3] == [FIRST_PAUSE_SECONDS, 2 * FIRST_PAUSE_SECONDS, 4 * FIRST_PAUSE_SECONDS]
    assert pauses[-1] == LONGEST_PAUSE_SECONDS
    queue.note_outcome(A, gave_up=False)
    queue.note_outcome(A, gave_up=True)
    clock.now += FIRST_PAUSE_SECONDS
    assert not queue.is_put_off(A)


def test_a_task_waits_from_when_it_is_known_to_and_not_from_when_it_was_made() -> None:
    """One that is resumed after a day has not waited for a day; one that another node has does not wait."""
    clock = Clock()
    queue = Queue(clock)
    assert queue.oldest_wait_seconds == 0
    first, second = life(A), life(B)
    queue.watch(first)
    clock.now = 10
    queue.add(second)
    clock.now = 15
    queue.has_come_free(first)
    queue.add(second)
    clock.now = 18
    assert queue.oldest_wait_seconds == 8
    queue.watch(second)
    assert queue.oldest_wait_seconds == 3
    queue.add(life(A, number=2))
    clock.now = 20
    assert queue.oldest_wait_seconds == 2
    queue.keep_only({A})
    queue.forget(first)
    assert queue.oldest_wait_seconds == 2
