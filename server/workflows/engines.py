"""Which engine does the work: the embedded one, which needs nothing, or a language model."""

from collections.abc import Mapping
from typing import Literal, TypeAlias

from server.errors import ModelRequired
from server.llm.base import Model

Asked: TypeAlias = Literal["auto", "embedded", "llm"]
Engine: TypeAlias = Literal["embedded", "llm"]


def engine_for(asked: Asked, model: Model | None) -> Engine:
    """``auto`` takes the model where there is one.

    :raises ModelRequired: a model is asked for and none is configured.
    """
    if asked == "llm" and model is None:
        raise ModelRequired
    return "llm" if model is not None and asked != "embedded" else "embedded"


def needs_model(engine: Engine, wanted: Mapping[str, bool]) -> list[str]:
    """What was wanted and only a model could have done, for the result; nothing where a model did the work."""
    return [name for name, asked in wanted.items() if asked] if engine == "embedded" else []
