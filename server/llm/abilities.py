"""What an endpoint can do, found out by asking: the best form of a request, and the next best where it is refused."""

from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

import orjson

from server.llm.base import Message, Prompt

Structure: TypeAlias = Literal["json_schema", "json_object", "words"]

_POORER: dict[Structure, Structure] = {"json_schema": "json_object", "json_object": "words"}
LIKELY = ("response_format", "stream_options")
_SHAPE = "Reply with one JSON value that fits this JSON Schema, and with nothing else, no explanation and no fence:\n"


@dataclass(frozen=True, slots=True)
class Abilities:
    """Starts as all that the newest endpoints can do; `without` is what is left after a refusal."""

    structure: Structure = "json_schema"
    usage: bool = True
    limit: Literal["max_tokens", "max_completion_tokens", None] = "max_tokens"
    temperature: bool = True

    def request(self, prompt: Prompt, model: str, most_tokens: int | None) -> dict[str, Any]:
        """The arguments of the SDK's `create`."""
        messages = list(prompt.messages)
        request: dict[str, Any] = {"model": model, "stream": True}
        if prompt.schema is not None:
            if self.structure == "json_schema":
                shape = {"name": "reply", "schema": dict(prompt.schema)}
                request["response_format"] = {"type": "json_schema", "json_schema": shape}
            else:
                told = _SHAPE + orjson.dumps(dict(prompt.schema)).decode()
                messages[-1] = Message(messages[-1].role, f"{messages[-1].content}\n\n{told}")
            if self.structure == "json_object":
                request["response_format"] = {"type": "json_object"}
        if self.usage:
            request["stream_options"] = {"include_usage": True}
        if self.limit is not None and most_tokens is not None:
            request[self.limit] = most_tokens
        if self.temperature and prompt.temperature is not None:
            request["temperature"] = prompt.temperature
        request["messages"] = [{"role": message.role, "content": message.content} for message in messages]
        return request

    def without(self, refusal: str, request: dict[str, Any]) -> "Abilities | None":
        """What to try after a refusal of ``request``; None where nothing is left that could be left out.

        A refusal that names what it does not like is taken at its word. After any other, what older endpoints do not
        know goes first; the rest is left as it is, because then the fault is hardly in the form.
        """
        told = refusal.lower()
        poorer = {
            "response_format": replace(self, structure=_POORER.get(self.structure, self.structure)),
            "stream_options": replace(self, usage=False),
            "max_tokens": replace(self, limit="max_completion_tokens"),
            "max_completion_tokens": replace(self, limit=None),
            "temperature": replace(self, temperature=False),
        }
        words = {"response_format": ("response_format", "json_schema", "json_object", "schema", "grammar")}
        sent = [name for name in poorer if name in request]
        for name in sent:
            if any(word in told for word in words.get(name, (name, name.replace("_", " ")))):
                return poorer[name]
        return next((poorer[name] for name in LIKELY if name in request), None)
