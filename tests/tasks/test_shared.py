"""One call for all who ask meanwhile, and never an answer that is older than the question."""

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import anyio
import pytest

from server.errors import HoldfastError, StoreFailed
from server.tasks.shared import Shared


class Calls:
    """A call that tells how often it has begun, and ends when it is let go."""

    def __init__(self) -> None:
        self.begun = 0
        self.let_go = anyio.Event()
        self.failure: HoldfastError | None = None

    async def __call__(self) -> int:
        self.begun += 1
        number = self.begun
        await self.let_go.wait()
        if self.failure is not None:
            raise self.failure
        return number


async def begins(calls: Calls, number: int) -> None:
    with anyio.fail_after(5):
        while calls.begun < number:
            await anyio.lowlevel.checkpoint()


async def waits() -> None:
    """Let everybody else get to where they wait."""
    for _ in range(10):
        await anyio.lowlevel.checkpoint()


def asking(
    shared: Shared[int], call: Callable[[], Awaitable[int]], answers: list[int]
) -> Callable[[], Coroutine[Any, Any, None]]:
    async def ask() -> None:
        answers.append(await shared.get("key", call))

    return ask


async def test_who_comes_during_a_call_gets_one_that_began_after_they_came() -> None:
    """All of them the same one."""
    shared, calls = Shared[int](), Calls()
    first: list[int] = []
    later: list[int] = []
    async with anyio.create_task_group() as tg:
        tg.start_soon(asking(shared, calls, first))
        await begins(calls, 1)
        for _ in range(5):
            tg.start_soon(asking(shared, calls, later))
        await waits()
        assert calls.begun == 1
        calls.let_go.set()
    assert (first, later, calls.begun) == ([1], [2] * 5, 2)


async def test_who_asks_in_the_same_turn_shares_the_first_call() -> None:
    """Nothing has begun yet, so it begins after all of them came."""
    shared, calls = Shared[int](), Calls()
    calls.let_go.set()
    answers: list[int] = []
    async with anyio.create_task_group() as tg:
        for _ in range(5):
            tg.start_soon(asking(shared, calls, answers))
    assert (answers, calls.begun) == ([1] * 5, 1)


async def test_different_keys_do_not_wait_for_each_other() -> None:
    """A task on a slow part of the volume holds up nobody else's."""
    shared, slow, quick = Shared[int](), Calls(), Calls()
    quick.let_go.set()
    async with anyio.create_task_group() as tg:
        tg.start_soon(shared.get, "slow", slow)
        await begins(slow, 1)
        assert await shared.get("quick", quick) == 1
        slow.let_go.set()


@pytest.mark.parametrize("begun", [True, False])
async def test_a_client_that_leaves_leaves_the_others_their_answer(begun: bool) -> None:
    """Whether it carried a call out or had yet to begin one."""
    shared, calls, leaving = Shared[int](), Calls(), anyio.CancelScope()
    answers: list[int] = []

    async def ask_and_leave() -> None:
        with leaving:
            await shared.get("key", calls)

    async with anyio.create_task_group() as tg:
        if not begun:
            tg.start_soon(asking(shared, calls, []))
            await begins(calls, 1)
        tg.start_soon(ask_and_leave)
        await begins(calls, 1)
        await waits()
        for _ in range(3):
            tg.start_soon(asking(shared, calls, answers))
        await waits()
        leaving.cancel()
        await waits()
        calls.let_go.set()
    assert answers == [2] * 3


async def test_a_failure_is_everybodys() -> None:
    """A volume that hangs before it fails must not be asked by one after the other."""
    shared, calls = Shared[int](), Calls()
    calls.failure = StoreFailed()
    failures: list[HoldfastError] = []

    async def ask() -> None:
        try:
            await shared.get("key", calls)
        except StoreFailed as error:
            failures.append(error)

    async with anyio.create_task_group() as tg:
        for _ in range(4):
            tg.start_soon(ask)
        await begins(calls, 1)
        calls.let_go.set()
    assert (len(failures), calls.begun) == (4, 1)
