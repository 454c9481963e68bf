"""A request's own patterns over its texts, matched in a process that a hostile one ends by itself."""

import json
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import DEVNULL, PIPE
from typing import Any

import anyio
from anyio.abc import Process
from anyio.streams.buffered import BufferedByteReceiveStream

from server.workflows.extract.events import Origin
from server.workflows.extract.facts import facts
from server.workflows.extract.moments import moments
from server.workflows.extract.params import Rule

MATCH_SECONDS = 1.0
"""Of the processor, for one pattern over one text."""
WAIT_SECONDS = 30.0
"""For an answer, whatever else the machine does."""
MOST_MATCHES = 1000
LONGEST_ANSWER = 4 * 1024 * 1024
_CONFIDENCE = 0.9
_MATCHER = Path(__file__).with_name("matcher.py")


class RuleTooSlow(Exception):
    """A pattern took too long over a text, or too much memory. ``rule``: its name."""

    def __init__(self, rule: str) -> None:
        self.rule = rule
        super().__init__(rule)


@dataclass
class Matcher:
    """The process, started by the first pattern and again after one has ended it.

    ``seconds``: of the processor, for one pattern over one text.
    """

    seconds: float = MATCH_SECONDS
    _process: Process | None = None
    _answers: BufferedByteReceiveStream | None = None
    _turn: anyio.Lock = field(default_factory=anyio.Lock)

    async def matches(self, rule: Rule, text: str) -> list[dict[str, Any]]:
        """Start, end and groups of each match, at most 1000.

        :raises RuleTooSlow: it did not come to an end.
        """
        asked = {"regex": rule.regex, "text": text, "seconds": self.seconds, "most": MOST_MATCHES}
        async with self._turn:
            try:
                with anyio.fail_after(WAIT_SECONDS):
                    process, answers = await self._running()
                    assert process.stdin is not None  # noqa: S101 - it is a pipe
                    await process.stdin.send(json.dumps(asked).encode() + b"\n")
                    answer = await answers.receive_until(b"\n", LONGEST_ANSWER)
            except (
                anyio.IncompleteRead,
                anyio.DelimiterNotFound,
                anyio.BrokenResourceError,
                anyio.EndOfStream,
                TimeoutError,
            ):
                await self.close()
                raise RuleTooSlow(rule.name) from None
            except BaseException:
                await self.close()  # half of an answer may be on its way
                raise
        found: list[dict[str, Any]] = json.loads(answer)["matches"]
        return found

    async def _running(self) -> tuple[Process, BufferedByteReceiveStream]:
        if self._process is None or self._answers is None:
            self._process = await anyio.open_process(
                [sys.executable, "-I", str(_MATCHER)], stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env={}
            )
            assert self._process.stdout is not None  # noqa: S101 - it is a pipe
            self._answers = BufferedByteReceiveStream(self._process.stdout)
        return self._process, self._answers

    async def close(self) -> None:
        process, self._process, self._answers = self._process, None, None
        if process is not None:
            with anyio.CancelScope(shield=True):
                if process.returncode is None:
                    process.kill()
                await process.aclose()


@asynccontextmanager
async def matching(seconds: float) -> AsyncGenerator[Matcher, None]:
    """A matcher, for as long as the block lasts."""
    matcher = Matcher(seconds)
    try:
        yield matcher
    finally:
        await matcher.close()


async def events_by_rules(origin: Origin, rules: Sequence[Rule], matcher: Matcher) -> list[dict[str, Any]]:
    """Each match of each rule as an event, its members by the rule's groups.

    :raises RuleTooSlow: one of them did not come to an end.
    """
    return [_event(origin, rule, match) for rule in rules for match in await matcher.matches(rule, origin.text)]


def _event(origin: Origin, rule: Rule, match: dict[str, Any]) -> dict[str, Any]:
    text, start, end = origin.text, match["start"], match["end"]
    spans = {member: match["groups"][group] for member, group in rule.fields.items() if group in match["groups"]}
    said = {member: text[begin:stop] for member, (begin, stop) in spans.items()}
    return {
        "user_id": origin.user_id,
        "text_id": origin.text_id,
        "type": rule.name,
        "trigger": said.get("trigger"),
        "time": _time(origin, spans.get("time", (start, end)), asked="time" in spans),
        "participants": [said["participants"]] if "participants" in said else [],
        "place": said.get("place"),
        "amount": _amount(text, spans["amount"]) if "amount" in spans else None,
        "quote": text[start:end],
        "start": start,
        "end": end,
        "confidence": _CONFIDENCE,
        "method": f"rule:{rule.name}",
    }


def _time(origin: Origin, span: tuple[int, int], *, asked: bool) -> dict[str, Any] | None:
    """The time that is read in a group; what a group holds that is none is kept as it stands."""
    start, end = span
    piece = origin.text[start:end]
    found = next(iter(moments(piece, origin.written_at, origin.zone)), None)
    if found is not None:
        told = found.to_json(piece)
        return told | {"start": told["start"] + start, "end": told["end"] + start}
    nothing = {"from": None, "to": None, "resolved_by": None}
    return {"text": piece, "start": start, "end": end, **nothing} if asked else None


def _amount(text: str, span: tuple[int, int]) -> dict[str, Any]:
    start, end = span
    piece = text[start:end]
    found = next((fact for fact in facts(piece) if fact.kind == "amount"), None)
    value = None if found is None else found.value
    return {"kind": "amount", "text": piece, "start": start, "end": end, "value": value}
