"""Several steps at once, within bounds."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import anyio

T = TypeVar("T")


async def gather(calls: Sequence[Callable[[], Awaitable[T]]], *, at_once: int) -> list[T]:
    """Run all calls, at most ``at_once`` at the same time; results in the order of the calls.

    The first error is raised as it is, not in a group: errors such as a full disk mean something to the runner.
    """
    results: dict[int, T] = {}
    limiter = anyio.Semaphore(at_once)

    async def run(number: int) -> None:
        async with limiter:
            results[number] = await calls[number]()

    try:
        async with anyio.create_task_group() as group:
            for number in range(len(calls)):
                group.start_soon(run, number)
    except BaseExceptionGroup as errors:
        raise _first(errors) from None
    return [results[number] for number in range(len(calls))]


def _first(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    found = errors.exceptions[0]
    return _first(found) if isinstance(found, BaseExceptionGroup) else found
