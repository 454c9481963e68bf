"""How many tokens, and what they cost. Where an endpoint does not say, they are estimated."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

CHARACTERS_PER_TOKEN = 4
_WIDE = re.compile(
    "[\u1100-\u11ff\u2e80-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60\uffe0-\uffe6\U00020000-\U0003ffff]"
)
TOKENS_PER_MESSAGE = 4


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one or several calls. ``estimated``: at least a part was not told by the endpoint."""

    input_tokens: int = 0
    output_tokens: int = 0
    estimated: bool = False

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.output_tokens

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.estimated or other.estimated,
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "estimated": self.estimated,
        }


@dataclass(frozen=True, slots=True)
class Prices:
    """Money for a million tokens, in whatever currency the operator reckons."""

    input: float = 0.0
    output: float = 0.0

    def of(self, usage: Usage) -> float:
        return (usage.input_tokens * self.input + usage.output_tokens * self.output) / 1_000_000


@dataclass(frozen=True, slots=True)
class PriceList:
    """What models cost, by their names. ``usual``: any other; None: nobody has said."""

    usual: Prices | None = None
    named: Mapping[str, Prices] = field(default_factory=dict)

    def of(self, model: str) -> Prices | None:
        return self.named.get(model, self.usual)


def estimate_tokens(text: str) -> int:
    """Four characters a token, but one for each wide (Chinese, Japanese, Korean) one: within a third of the truth."""
    if text.isascii():
        return -(-len(text) // CHARACTERS_PER_TOKEN)
    narrow = len(_WIDE.sub("", text))
    return len(text) - narrow + -(-narrow // CHARACTERS_PER_TOKEN)
