"""Small makers for tests of extract, and an endpoint whose model quotes what it is shown."""

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import orjson
import uvicorn
from anyio import fail_after

from server.command.listening import listen
from server.llm.base import Model
from server.llm.scripted import Rule
from server.workflows.extract.workflow import extract_workflow
from server.workflows.rehearsal import RehearsalContext
from tests.llm.endpoint import Served
from tests.serving import START_SECONDS, wait_until

ZONE = "Asia/Shanghai"
WRITTEN = "2024-05-15T10:00:00+08:00"
_FENCED = re.compile(r"<data text (\w+)>\n(.*?)\n</data \1>", re.DOTALL)

Reply = Callable[[str], str]
"""From the text that the model is shown to what it replies."""


def user(name: str, *texts: str) -> dict[str, Any]:
    return {"user_id": name, "texts": [{"text": text, "written_at": WRITTEN} for text in texts]}


def users(number: int) -> list[dict[str, Any]]:
    """Each with one event."""
    return [user(f"u{each}", f"Report {each}. We met on 3 May 2024 and paid ${each}.") for each in range(number)]


async def extract(
    asked: list[dict[str, Any]] | None,
    *,
    model: Model | None = None,
    context: RehearsalContext | None = None,
    **more: Any,
) -> tuple[dict[str, Any], RehearsalContext]:
    """The result and the context of a batch."""
    workflow = extract_workflow(model, match_seconds=0.05)
    context = context or RehearsalContext()
    given = {} if asked is None else {"users": asked}
    params = workflow.params.model_validate({**given, "timezone": ZONE, **more})
    with fail_after(180):
        result: Any = await workflow.run(context, params)
    return result, context


def whole(context: RehearsalContext) -> dict[str, Any]:
    """All that was found, as the files are made of it."""
    found: dict[str, Any] = orjson.loads(context.artifacts["extracted.json"])
    return found


def told(*events: dict[str, Any]) -> str:
    return orjson.dumps({"events": [{"type": "meeting", **event} for event in events]}).decode()


def honest(text: str) -> str:
    """The last sentence, as it stands there."""
    sentences = [one.strip() for one in re.findall(r"[^.。]+[.。]?", text) if one.strip()]
    return told({"quote": sentences[-1], "trigger": "met", "time": "3 May 2024", "confidence": 0.8})


class Reader(Served):
    """``faulty``: rules that answer first, each once. ``shown``: the texts that it was shown, in order.

    ``held``: a text with these words in it gets its answer only when something else is held, or nothing.
    """

    held: str | None = None

    def __init__(self, reply: Reply, *faulty: Rule) -> None:
        super().__init__([])
        self.reply, self.faulty = reply, list(faulty)
        self.rule = Rule(piece=200)
        self.shown: list[str] = []

    def _rule_for(self, body: dict[str, Any]) -> Rule | None:
        texts = [found[2] for one in body["messages"] for found in _FENCED.finditer(str(one["content"]))]
        self.shown.append(texts[-1] if texts else "")
        if self.held is not None and self.held in self.shown[-1]:
            return Rule(fault="hang")
        fitting = replace(self.rule, reply=self.reply(self.shown[-1]))
        if self.faulty:
            fault = self.faulty.pop(0)
            return fault if fault.reply else replace(fault, reply=fitting.reply)
        return fitting


@contextmanager
def serving_reader(reply: Reply = honest, *faulty: Rule, kind: type[Reader] = Reader) -> Iterator[Reader]:
    """The endpoint, for the length of a with-block."""
    served = kind(reply, *faulty)
    sockets = listen("127.0.0.1", 0)
    served.port = sockets[0].getsockname()[1]
    served.url = f"http://127.0.0.1:{served.port}/v1"
    config = uvicorn.Config(
        served.app, log_config=None, log_level="critical", access_log=False, ws="none", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=(sockets,), daemon=True)
    thread.start()
    wait_until(lambda: server.started or not thread.is_alive())
    try:
        yield served
    finally:
        server.should_exit = True
        thread.join(START_SECONDS)
        for each in sockets:
            each.close()
