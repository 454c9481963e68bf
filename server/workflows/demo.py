"""The `demo` kind, offered only with DEMO_KIND=1: as many events as asked for, for tests, campaigns and benchmarks."""

import os
import random
import signal
import string
import time
from functools import lru_cache
from typing import Any

import anyio
from pydantic import ConfigDict, Field

from server.errors import WorkflowFailed
from server.models import Json
from server.workflows.base import Context, Params, Step, Workflow
from server.workflows.chinese import titled

INDEX_DIGITS = 6
LETTERS = string.ascii_letters + string.digits
BLOCK_LETTERS = 8192
STRIDE = 61

CHINESE_TITLES = {
    "events": ("事件数", "输出多少个事件。"),
    "size": ("每个的字节数", "每个事件有多少字节的文字。"),
    "rate": ("每秒事件数", "0 表示尽快输出。"),
    "steps": ("步骤数", "把事件分到多少个步骤中。"),
    "items": ("条目数", "有多少个条目，同样分到各个步骤中。"),
    "fail_at": ("在第几个失败", "每次到达这个序号的事件之前失败。"),
    "kill_at": ("在第几个崩溃", "每次到达这个序号的事件之前，像崩溃一样结束整个服务器。"),
    "seed": ("种子", "种子不同，文字就不同，任务也不同。"),
}


class DemoParams(Params):
    """Parameters of `demo`."""

    model_config = ConfigDict(json_schema_extra=titled(CHINESE_TITLES))

    events: int = Field(100, ge=0, le=999_999, description="How many `output` events.")
    size: int = Field(100, ge=INDEX_DIGITS, le=1_000_000, description="Bytes of text in each.")
    rate: float = Field(0, ge=0, le=1_000_000, description="Events per second; 0: as fast as it can.")
    steps: int = Field(10, ge=1, le=10_000, description="Journal steps over which the events are divided.")
    items: int = Field(0, ge=0, le=100_000, description="How many `item` events, divided over the steps as well.")
    fail_at: int | None = Field(None, ge=0, description="Fail before the event of this index, each time it is reached.")
    kill_at: int | None = Field(
        None, ge=0, description="End the whole server, as a crash would, before the event of this index, each time."
    )
    seed: int = Field(0, description="Another seed is another text, and another task.")


def share(total: int, parts: int, index: int) -> range:
    """The ``index``-th of ``parts`` runs of nearly equal length that make up ``range(total)``."""
    return range(total * index // parts, total * (index + 1) // parts)


def text_of(index: int, size: int, seed: int) -> str:
    """Six digits and then letters; the same for the same arguments."""
    head = f"{str(index).zfill(INDEX_DIGITS)} "[:size]
    block = _block(seed)
    start = index * STRIDE % BLOCK_LETTERS
    end = start + size - len(head)
    if end > BLOCK_LETTERS:
        block *= 1 + end // BLOCK_LETTERS
    return head + block[start:end]


@lru_cache(maxsize=16)
def _block(seed: int) -> str:
    letters = random.Random(seed)  # noqa: S311 - filler text, nothing secret
    return "".join(letters.choices(LETTERS, k=BLOCK_LETTERS))


async def run(context: Context, params: DemoParams) -> Json:
    context.expect(max(1, params.events), items=params.items)
    pace = _Pace(params.rate)
    written = 0
    for index in range(params.steps):
        events, items = share(params.events, params.steps, index), share(params.items, params.steps, index)

        async def work(step: Step, events: range = events, items: range = items) -> dict[str, int]:
            for event in events:
                if params.fail_at is not None and event >= params.fail_at:
                    raise WorkflowFailed(f"The demo was asked to fail at event {params.fail_at}.")
                if params.rate:
                    await pace.wait_for(event)
                if params.kill_at is not None and event >= params.kill_at:
                    os.kill(os.getpid(), signal.SIGKILL)
                await step.output("demo", text_of(event, params.size, params.seed), t=time.monotonic_ns())
            for item in items:
                await step.item({"key": f"item-{item}", "title": f"#{item}"})
            return {"events": len(events), "items": len(items)}

        inputs: dict[str, Any] = {"events": [events.start, events.stop], "items": [items.start, items.stop]}
        done = await context.step(f"part:{index}", work, inputs, weight=len(events))
        written += done["events"]
    return {"events": written, "items": params.items, "seed": params.seed}


class _Pace:
    """The rate, which is not 0, counted from the first event of this attempt."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._origin: float | None = None

    async def wait_for(self, event: int) -> None:
        if self._origin is None:
            self._origin = anyio.current_time() - event / self._rate
        await anyio.sleep_until(self._origin + event / self._rate)


def demo_workflow() -> Workflow:
    return Workflow(
        kind="demo",
        version=1,
        params=DemoParams,
        run=run,
        title=lambda params: f"Demo: {params.events} events (seed {params.seed})",
        label={"en": "Demo", "zh": "演示"},
    )
