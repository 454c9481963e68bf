"""A model's endpoint that does as its script says, faults included: for tests, demonstrations and whoever has no model.

    python -m server.llm.scripted --port 9000 --script rules.json
    OPENAI_BASE_URL=http://127.0.0.1:9000/v1 OPENAI_MODEL=scripted scripts/serve

A script is a list of rules. The first whose `match` stands in the last message, and that is not used up, answers. It
speaks the protocol over real sockets: `ScriptedEndpoint.app` is an application for any ASGI server.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import anyio
import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from server.llm.usage import estimate_tokens

MODEL = "scripted"
MOST_KEPT = 10_000
Fault: TypeAlias = Literal["cut", "hang", "garbage", "html", "no_json", "error", "linger", "drop"]


@dataclass(frozen=True, slots=True)
class Rule:
    """One answer. Every field can stand in a JSON script under its name.

    ``times``: how often it answers before it is used up. ``refuses``: names of parameters, or types of
    ``response_format``, that are answered with 400. ``status``: other than 200 is an error with ``error`` as its
    message and code. ``fault`` happens after ``after`` pieces; ``linger`` (it says why it ended and never closes)
    and ``drop`` (it says so and breaks the connection) after all. ``piece``: characters in each; ``pause``: seconds
    before each. ``reasoning`` comes first, in ``reasoning_field``, or in the content where that is ``think``.
    """

    reply: str = ""
    match: str = ""
    times: int | None = None
    reasoning: str = ""
    reasoning_field: str = "reasoning_content"
    finish: str | None = "stop"
    status: int = 200
    error: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    refuses: tuple[str, ...] = ()
    fault: Fault | None = None
    after: int = 0
    piece: int = 8
    pause: float = 0.0
    usage: bool = True
    done: bool = True


@dataclass(slots=True)
class Asked:
    """A request as it came, for whoever wants to look. ``left``: the client closed before the answer was whole."""

    body: dict[str, Any]
    headers: dict[str, str]
    answered: bool = False
    left: bool = False

    @property
    def key(self) -> str | None:
        return self.headers.get("idempotency-key")


class ScriptedEndpoint:
    """``asked`` holds all requests in order; ``calls`` counts them by idempotency key, ``finished`` those answered."""

    def __init__(self, rules: list[Rule]) -> None:
        self.rules = rules
        self._used: Counter[int] = Counter()
        self.asked: list[Asked] = []
        self.app = Starlette(
            routes=[
                Route("/v1/chat/completions", self._complete, methods=["POST"]),
                Route("/v1/models", self._models, methods=["GET"]),
            ]
        )

    @property
    def calls(self) -> Counter[str | None]:
        return Counter(each.key for each in self.asked)

    @property
    def finished(self) -> Counter[str | None]:
        return Counter(each.key for each in self.asked if each.answered)

    async def _models(self, request: Request) -> Response:
        return JSONResponse({"object": "list", "data": [{"id": MODEL, "object": "model", "owned_by": "holdfast"}]})

    async def _complete(self, request: Request) -> "Response | _Playing":
        body = await request.json()
        asked = Asked(body, dict(request.headers))
        self.asked.append(asked)
        del self.asked[:-MOST_KEPT]
        rule = self._rule_for(body)
        if rule is None:
            return _problem(404, "No rule of the script matches.", {})
        if refused := _refused(rule, body):
            return _problem(400, f"Unsupported parameter: {refused}", {})
        if rule.status != 200:
            return _problem(rule.status, rule.error or "scripted failure", rule.headers)
        if rule.fault == "html":
            return Response("<!doctype html><title>Welcome</title>", media_type="text/html")
        return _Playing(rule, asked) if body.get("stream") else _whole(rule, asked)

    def _rule_for(self, body: dict[str, Any]) -> Rule | None:
        last = str(body["messages"][-1]["content"])
        for index, rule in enumerate(self.rules):
            if rule.match in last and (rule.times is None or self._used[index] < rule.times):
                if not _refused(rule, body):
                    self._used[index] += 1
                return rule
        return None


def _refused(rule: Rule, body: dict[str, Any]) -> str | None:
    structure = (body.get("response_format") or {}).get("type")
    return next((name for name in rule.refuses if name in body or name == structure), None)


def _problem(status: int, message: str, headers: dict[str, str]) -> Response:
    return JSONResponse({"error": {"message": message, "code": message.split(":")[0]}}, status, headers)


def _usage(rule: Rule, body: dict[str, Any]) -> dict[str, int]:
    read = sum(estimate_tokens(str(message["content"])) for message in body["messages"])
    written = estimate_tokens(rule.reply) + estimate_tokens(rule.reasoning)
    return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}


def _whole(rule: Rule, asked: Asked) -> Response:
    asked.answered = True
    message = {"role": "assistant", "content": rule.reply}
    choice = {"index": 0, "message": message, "finish_reason": rule.finish}
    return JSONResponse({"model": MODEL, "choices": [choice], "usage": _usage(rule, asked.body)})


@dataclass
class _Playing:
    """An ASGI response: the stream of one answer, up to its end or its fault."""

    rule: Rule
    asked: Asked

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with anyio.create_task_group() as tg:

            async def until_gone() -> None:
                while (await receive())["type"] != "http.disconnect":
                    pass
                self.asked.left = not self.asked.answered
                tg.cancel_scope.cancel()

            tg.start_soon(until_gone)
            await self._play(send)
            tg.cancel_scope.cancel()

    async def _play(self, send: Send) -> None:
        rule = self.rule
        headers = [(b"content-type", b"text/event-stream; charset=utf-8")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await self._send(send, _chunk({"role": "assistant"}))
        pieces = _deltas(rule)
        for delta in pieces if rule.fault in (None, "linger", "drop") else pieces[: rule.after]:
            await anyio.sleep(rule.pause)
            await self._send(send, _chunk(delta))
        match rule.fault:
            case "cut":
                return  # the connection is closed in the middle of the chunked body
            case "hang":
                await anyio.sleep_forever()
            case "garbage":
                await self._send(send, b'{"choices": [{"delta": {"content": "half of')
            case "no_json":
                await self._send(send, b"upstream failure")
            case "error":
                await self._send(send, orjson.dumps({"error": {"message": rule.error, "code": rule.status}}))
            case "linger" | "drop":
                await self._send(send, _chunk({}, rule.finish))
                if rule.fault == "drop":
                    return
                await anyio.sleep_forever()
            case None:
                if rule.finish is not None:
                    await self._send(send, _chunk({}, rule.finish))
                if rule.usage and (self.asked.body.get("stream_options") or {}).get("include_usage"):
                    told = {"model": MODEL, "choices": [], "usage": _usage(rule, self.asked.body)}
                    await self._send(send, orjson.dumps(told))
                if rule.done:
                    await self._send(send, b"[DONE]")
        self.asked.answered = rule.fault is None
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _send(self, send: Send, data: bytes) -> None:
        await send({"type": "http.response.body", "body": b"data: " + data + b"\n\n", "more_body": True})


def _deltas(rule: Rule) -> list[dict[str, str]]:
    reply, thought = rule.reply, rule.reasoning
    if thought and rule.reasoning_field == "think":
        reply, thought = f"<think>{thought}</think>\n\n{reply}", ""
    thoughts = [{rule.reasoning_field: piece} for piece in _cut(thought, rule.piece)]
    return [*thoughts, *({"content": piece} for piece in _cut(reply, rule.piece))]


def _cut(text: str, size: int) -> list[str]:
    return [text[start : start + size] for start in range(0, len(text), size)]


def _chunk(delta: dict[str, str], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return orjson.dumps({"object": "chat.completion.chunk", "model": MODEL, "choices": [choice]})


def main() -> None:
    """`python -m server.llm.scripted`, on loopback only."""
    import argparse
    from pathlib import Path

    import uvicorn

    parser = argparse.ArgumentParser(prog="python -m server.llm.scripted", description="A scripted model endpoint.")
    parser.add_argument("--port", type=int, default=9000)
    parser.add_argument("--script", type=Path, help="a JSON list of rules; without it every question gets one sentence")
    given = parser.parse_args()
    rules = [Rule(reply="This sentence comes from a script, not from a model.")]
    if given.script:
        rules = [Rule(**rule) for rule in orjson.loads(given.script.read_bytes())]
    uvicorn.run(ScriptedEndpoint(rules).app, host="127.0.0.1", port=given.port, log_level="warning")


if __name__ == "__main__":
    main()
