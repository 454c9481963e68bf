"""Progress is committed work, and the ETA comes from how it was committed."""

from server.tasks.progress import ProgressMeter


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_percentage_is_the_share_of_committed_weight() -> None:
    """Time alone moves nothing."""
    clock = Clock()
    meter = ProgressMeter(clock)
    meter.expect(8, items=0)
    meter.commit(2, replayed=False)
    clock.now += 1000
    assert meter.reading().percentage == 25.0


def test_there_is_no_eta_before_three_commits() -> None:
    """Then it is the recent pace times what remains."""
    clock = Clock()
    meter = ProgressMeter(clock)
    meter.expect(10, items=0)
    for expected in (None, None, 7 * 4.0):
        clock.now += 4
        meter.commit(1, replayed=False)
        assert meter.eta_seconds == expected


def test_one_slow_step_does_not_upset_the_eta() -> None:
    """The median of the window counts."""
    clock = Clock()
    meter = ProgressMeter(clock)
    meter.expect(20, items=0)
    for seconds in (1, 1, 500, 1, 1):
        clock.now += seconds
        meter.commit(1, replayed=False)
    assert meter.eta_seconds == 15.0


def test_steps_that_end_side_by_side_do_not_look_quick() -> None:
    """Four at a time, each of four seconds: a second for each."""
    clock = Clock()
    meter = ProgressMeter(clock)
    meter.expect(40, 40, at_once=4)
    for _ in range(5):
        clock.now += 4
        for _ in range(4):
            meter.commit(1, replayed=False)
    assert meter.eta_seconds == 20.0


def test_steps_that_weigh_nothing_do_not_hide_the_time_that_they_took() -> None:
    """A paid call before each step that counts."""
    clock = Clock()
    meter = ProgressMeter(clock)
    meter.expect(10, items=0)
    for _ in range(5):
        clock.now += 3
        meter.commit(0, replayed=False)
        meter.commit(1, replayed=False)
    assert meter.eta_seconds == 15.0


def test_of_thousands_of_quick_steps_more_than_the_last_few_count() -> None:
    """Slow and quick ones by turns of fifty: the pace is that of both."""
    clock = Clock()
    meter = ProgressMeter(clock)
    meter.expect(4000, items=0)
    for number in range(2000):
        clock.now += 0.03 if number // 50 % 2 else 0.01
        meter.commit(1, replayed=False)
    assert meter.eta_seconds is not None
    assert abs(meter.eta_seconds - 40) < 4


def test_replayed_steps_count_as_work_but_not_as_pace() -> None:
    """They took no time now."""
    clock = Clock()
    meter = ProgressMeter(clock)
    meter.expect(10, items=0)
    for _ in range(5):
        meter.commit(1, replayed=True)
    assert meter.reading().percentage == 50.0
    assert meter.eta_seconds is None


def test_an_item_that_is_told_twice_counts_once() -> None:
    """With its last outcome."""
    meter = ProgressMeter()
    meter.expect(1, items=3)
    meter.item("a", "failed")
    meter.item("a", "completed")
    meter.item("b", "skipped")
    reading = meter.reading()
    assert (reading.completed, reading.failed, reading.skipped, reading.total) == (1, 0, 1, 3)


def test_more_work_than_expected_never_shows_more_than_all_of_it() -> None:
    """A workflow that planned too little is at 100, not beyond."""
    meter = ProgressMeter()
    meter.expect(1, items=0)
    meter.commit(3, replayed=False)
    assert meter.reading().percentage == 100.0


def test_a_replay_does_not_go_back_behind_what_was_told() -> None:
    """What an earlier attempt recorded counts before its turn to be replayed has come."""
    meter = ProgressMeter(Clock())
    meter.go_on({"a": "completed", "b": "failed"}, 50.0)
    meter.expect(4, items=4)
    reading = meter.reading()
    assert (reading.completed, reading.failed, reading.total, reading.percentage) == (1, 1, 4, 50.0)
    meter.commit(2, replayed=True)
    meter.item("b", "failed")
    meter.commit(1, replayed=False)
    meter.item("c", "completed")
    reading = meter.reading()
    assert (reading.completed, reading.failed, reading.percentage) == (2, 1, 75.0)
