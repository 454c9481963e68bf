"""The threads of the file store."""

import threading
from collections.abc import Iterator
from contextvars import ContextVar
from functools import partial

import anyio
import pytest

from server.stores.threads import Threads

NAME: ContextVar[str] = ContextVar("name", default="nobody")


class Gate:
    """A call that stands still until it is let through."""

    def __init__(self) -> None:
        self.came, self.open = threading.Semaphore(0), threading.Event()

    def __call__(self) -> str:
        self.came.release()
        self.open.wait(10)
        return "through"

    async def has_come(self) -> None:
        with anyio.fail_after(10):
            while not self.came.acquire(blocking=False):
                await anyio.lowlevel.checkpoint()


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.open.set()


@pytest.fixture
def threads() -> Iterator[Threads]:
    threads = Threads(2)
    yield threads
    threads.close()


async def test_a_call_returns_and_raises_what_the_function_does(threads: Threads) -> None:
    assert await threads.run(lambda: threading.current_thread() is threading.main_thread()) is False
    with pytest.raises(ZeroDivisionError):
        await threads.run(lambda: 1 // 0)


async def test_a_call_sees_its_callers_context(threads: Threads) -> None:
    NAME.set("caller")
    assert await threads.run(NAME.get) == "caller"


async def test_no_more_calls_are_carried_out_at_once_than_there_are_threads(threads: Threads, gate: Gate) -> None:
    """The third comes to its turn when the first two are through."""
    outcomes: list[str] = []

    async def call() -> None:
        outcomes.append(await threads.run(gate))

    with anyio.fail_after(10):
        async with anyio.create_task_group() as tg:
            for _ in range(3):
                tg.start_soon(call)
            await gate.has_come()
            await gate.has_come()
            await anyio.wait_all_tasks_blocked()
            assert not gate.came.acquire(blocking=False)
            gate.open.set()
    assert outcomes == ["through"] * 3


async def test_many_calls_at_once_all_come_back(threads: Threads) -> None:
    found: list[int] = []

    async def call(number: int) -> None:
        found.extend([await threads.run(partial(int, number * 50 + step)) for step in range(50)])

    with anyio.fail_after(30):
        async with anyio.create_task_group() as tg:
            for number in range(40):
                tg.start_soon(call, number)
    assert sorted(found) == list(range(2000))


async def test_a_call_that_has_begun_comes_to_its_end_before_its_cancelled_caller_goes_on(
    threads: Threads, gate: Gate
) -> None:
    ended: list[str] = []

    def call() -> None:
        gate()
        ended.append("call")

    async def caller() -> None:
        try:
            await threads.run(call)
        finally:
            ended.append("caller")

    with anyio.fail_after(10):
        async with anyio.create_task_group() as tg:
            tg.start_soon(caller)
            await gate.has_come()
            tg.cancel_scope.cancel()
            gate.open.set()
    assert ended == ["call", "caller"]


async def test_a_call_that_still_waits_in_line_is_not_carried_out_for_a_cancelled_caller(gate: Gate) -> None:
    threads, carried_out = Threads(1), threading.Event()
    with anyio.fail_after(10):
        async with anyio.create_task_group() as tg:
            tg.start_soon(threads.run, gate)
            await gate.has_come()
            with anyio.move_on_after(0.01) as waiting:
                await threads.run(carried_out.set)
            assert waiting.cancelled_caught
            gate.open.set()
    assert await threads.run(carried_out.is_set) is False
    threads.close()
