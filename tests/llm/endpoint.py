"""The scripted endpoint on a real socket, and a client of it that loses no time."""

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Any, TypeVar

import uvicorn

from server.command.listening import listen
from server.llm.base import Call
from server.llm.budget import Budget
from server.llm.client import OpenAIModel
from server.llm.endpoint import Endpoint
from server.llm.scripted import Rule, ScriptedEndpoint
from tests.serving import START_SECONDS, wait_until

KEY = "sk-canary-4f1c9be07a"
"""Must stand in no file, log, error or result."""


S = TypeVar("S", bound="Served")


class Served(ScriptedEndpoint):
    """``url`` is the base URL that a client is given."""

    url: str
    port: int

    def client(self, **more: Any) -> OpenAIModel:
        return OpenAIModel(self.endpoint(**more), chance=lambda: 0.0)

    def endpoint(self, **more: Any) -> Endpoint:
        quick = Endpoint("scripted", self.url, api_key=KEY, back_off_seconds=0.01, first_token_seconds=10)
        return replace(quick, **more)


@contextmanager
def listening(served: S) -> Iterator[S]:
    """An endpoint on a socket of its own, for the length of a with-block."""
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


def serving_model(*rules: Rule) -> AbstractContextManager[Served]:
    """An endpoint with these rules, for the length of a with-block."""
    return listening(Served(list(rules)))


def call(budget: Budget | None = None, key: str = "task:life:step") -> Call:
    return Call(key, (budget or Budget()).account(key))
