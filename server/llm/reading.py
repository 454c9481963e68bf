"""What the chunks of a streamed reply say, whatever dialect the endpoint speaks."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson

from server.llm.base import Finish, Piece
from server.llm.failures import ModelGarbled
from server.llm.thinking import ThinkSplitter
from server.llm.usage import Usage, estimate_tokens

DONE = b"[DONE]"
REASONING_FIELDS = ("reasoning_content", "reasoning")
FINISHES = {
    "stop": Finish.STOP,
    "eos": Finish.STOP,
    "length": Finish.LENGTH,
    "max_tokens": Finish.LENGTH,
    "content_filter": Finish.FILTERED,
}


class ErrorInStream(Exception):
    """A chunk that is an error; ``error`` is as the endpoint gave it."""

    def __init__(self, error: Any) -> None:
        self.error = error
        super().__init__("error in stream")


@dataclass
class ReplyReader:
    """Gathers one reply. ``finish`` is None until the endpoint says why it ended, ``told`` until it says the usage;
    ``done``: nothing follows."""

    finish: Finish | None = None
    told: Usage | None = None
    done: bool = False
    model: str = ""
    content: list[str] = field(default_factory=list)
    reasoning: list[str] = field(default_factory=list)
    _splitter: ThinkSplitter = field(default_factory=ThinkSplitter)

    def take(self, data: bytes) -> Iterator[Piece]:
        """One event's data.

        :raises ModelGarbled: it is not what such an endpoint sends.
        :raises ErrorInStream: the endpoint says that it failed.
        """
        if data.strip() == DONE:
            self.finish, self.done = self.finish or Finish.STOP, True
            return
        try:
            chunk = orjson.loads(data)
        except orjson.JSONDecodeError:
            raise ModelGarbled("A piece of the model's reply is not JSON.") from None
        if not isinstance(chunk, dict):
            raise ModelGarbled("A piece of the model's reply is not a JSON object.")
        if chunk.get("error"):
            raise ErrorInStream(chunk["error"])
        self._usage(chunk.get("usage"))
        if isinstance(chunk.get("model"), str):
            self.model = self.model or chunk["model"]
        choices = chunk.get("choices")
        if choices and isinstance(choices, list) and isinstance(choices[0], dict):
            yield from self._choice(choices[0])

    def close(self) -> Iterator[Piece]:
        for piece in self._splitter.close():
            yield self._keep(piece)

    @property
    def text(self) -> str:
        return "".join(self.content)

    def usage(self, input_tokens: int) -> Usage:
        """As told, else estimated; ``input_tokens`` is the estimate for the prompt."""
        if self.told is not None:
            return self.told
        return Usage(input_tokens, estimate_tokens(self.text) + estimate_tokens("".join(self.reasoning)), True)

    def _choice(self, choice: dict[str, Any]) -> Iterator[Piece]:
        # An endpoint that does not stream answers with a whole `message`.
        delta = choice.get("delta") or choice.get("message")
        if isinstance(delta, dict):
            for name in REASONING_FIELDS:
                if isinstance(delta.get(name), str) and delta[name]:
                    yield self._keep(Piece("reasoning", _clean(delta[name])))
                    break
            for piece in self._splitter.feed(_clean(_text(delta.get("content")))):
                yield self._keep(piece)
        if finish := choice.get("finish_reason"):
            self.finish = FINISHES.get(str(finish), Finish.STOP)

    def _keep(self, piece: Piece) -> Piece:
        (self.content if piece.kind == "content" else self.reasoning).append(piece.text)
        return piece

    def _usage(self, usage: Any) -> None:
        if isinstance(usage, dict):
            read, written = usage.get("prompt_tokens"), usage.get("completion_tokens")
            if isinstance(read, int) and isinstance(written, int) and read >= 0 and written > 0:
                self.told = Usage(read, written)


def _text(content: Any) -> str:
    """Content is a text, or a list of parts of which those with text count."""
    if isinstance(content, list):
        content = "".join(part.get("text") or "" for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


def _clean(text: str) -> str:
    """Without NUL, which no file format takes. Half a surrogate pair can't get past the JSON reader."""
    return text.replace("\0", "")
