"""A value out of a model: asked for by its JSON Schema, found in whatever came back, validated, and put right twice."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Generic, NoReturn, TypeVar

import orjson
from pydantic import TypeAdapter, ValidationError

from server.llm.base import Call, Finish, Listener, Model, Prompt, Reply, unheard
from server.llm.failures import ModelReplyInvalid
from server.llm.usage import Usage

MOST_REPAIRS = 2
MOST_ERRORS = 8
LONGEST_QUOTED = 20_000
MOST_STARTS = 200
_FENCE = re.compile(r"```(?:json)?\s*\n(.*?)```", re.DOTALL | re.IGNORECASE)
_START = re.compile(r"[{\[]")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """A value that fits its type. ``repairs``: how often the model had to be told that its reply did not."""

    value: T
    usage: Usage
    model: str
    repairs: int = 0


async def ask_for(model: Model, prompt: Prompt, type_: type[T], call: Call, listen: Listener = unheard) -> Answer[T]:
    """Ask for a value of a type that pydantic knows; ``listen`` gets the reasoning only.

    :raises ModelReplyInvalid: it still did not fit after two repairs.
    :raises ModelFailed: as `Model.ask`.
    """
    adapter = TypeAdapter(type_)
    asked = replace(prompt, schema=adapter.json_schema())
    usage, faults = Usage(), ""
    for repairs in range(MOST_REPAIRS + 1):
        reply = await model.ask(asked, call.part(f"repair{repairs}") if repairs else call, listen)
        usage += reply.usage
        try:
            return Answer(_first_that_fits(reply.text, adapter), usage, reply.model, repairs)
        except ValidationError as error:
            faults = _in_words(error)
        except ValueError:
            faults = "there is no JSON in it"
        if reply.finish is Finish.BUDGET:
            break
        asked = replace(prompt, schema=asked.schema).then(reply.text[:LONGEST_QUOTED], _correction(reply, faults))
    raise ModelReplyInvalid(f"The model's reply does not fit what was asked for: {faults[:500]}.")


def json_in(text: str) -> Iterator[Any]:
    """Each JSON value that may be meant, likeliest first: the whole text, fenced blocks, what stands in prose."""
    for candidate in (text, *_FENCE.findall(text)):
        try:
            yield orjson.loads(candidate)
        except orjson.JSONDecodeError:
            continue
    decoder = json.JSONDecoder(parse_constant=_no_json)
    position = 0
    for _ in range(MOST_STARTS):
        start = _START.search(text, position)
        if start is None:
            return
        try:
            value, position = decoder.raw_decode(text, start.start())
        except (ValueError, RecursionError):
            position = start.end()
        else:
            yield value


def _first_that_fits(text: str, adapter: TypeAdapter[T]) -> T:
    """:raises ValidationError: the likeliest value does not fit.
    :raises ValueError: there is none.
    """
    fault: ValidationError | None = None
    for value in json_in(text):
        try:
            return adapter.validate_json(orjson.dumps(value))
        except ValidationError as error:
            fault = fault or error
        except TypeError:  # an integer of hundreds of digits
            continue
    if fault is not None:
        raise fault
    raise ValueError


def _correction(reply: Reply, faults: str) -> str:
    cut = " Your reply was cut off before its end: make it shorter." if reply.finish is Finish.LENGTH else ""
    return f"That reply does not fit the JSON Schema: {faults}.{cut} Reply again, with the corrected JSON alone."


def _in_words(error: ValidationError) -> str:
    found = error.errors(include_url=False, include_context=False, include_input=False)
    named = [f"{'.'.join(map(str, each['loc'])) or 'the value'}: {each['msg']}" for each in found[:MOST_ERRORS]]
    return "; ".join(named)


def _no_json(name: str) -> NoReturn:
    raise ValueError(name)
