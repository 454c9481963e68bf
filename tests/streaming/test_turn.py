"""What a reader does next, case by case."""

from typing import Any

import pytest

from server.streaming.turn import Turn, turn

AT_REST: dict[str, Any] = {
    "ended": False,
    "ahead": False,
    "flowing": True,
    "owned": True,
    "draining": False,
    "closing": False,
}


@pytest.mark.parametrize(
    ("case", "wanted"),
    [
        ({}, Turn.REST),
        ({"owned": False}, Turn.REST),
        ({"ahead": True}, Turn.TAKE),
        ({"ahead": True, "flowing": False, "owned": False}, Turn.TAKE),
        ({"ahead": None}, Turn.READ),
        ({"flowing": False, "owned": False}, Turn.READ),
        ({"draining": True}, Turn.REST),
        ({"draining": True, "ahead": True, "owned": False}, Turn.TAKE),
        ({"draining": True, "owned": False}, Turn.LEAVE),
        ({"draining": True, "owned": False, "flowing": False, "ahead": None}, Turn.LEAVE),
        ({"closing": True}, Turn.LEAVE),
        ({"closing": True, "ahead": True}, Turn.LEAVE),
        ({"ended": True}, Turn.END),
        ({"ended": True, "closing": True}, Turn.END),
    ],
)
def test_a_readers_turn(case: dict[str, Any], wanted: Turn) -> None:
    """Each case differs from a reader that has caught up with the owner in this node."""
    assert turn(**{**AT_REST, **case}) is wanted
