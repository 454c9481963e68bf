"""What the model is asked to say of a text."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field, StringConstraints

Short = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]
Quote = Annotated[str, StringConstraints(strip_whitespace=True, min_length=2, max_length=1000)]


class SaidField(BaseModel):
    """What a passage says of one input. ``min`` and ``max``: of its value, its length (string) or its bytes (file)."""

    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
    type: Literal["string", "integer", "number", "date", "enum", "boolean", "file"] | None = None
    min: int | float | str | None = None
    max: int | float | str | None = None
    required: bool | None = None
    unique: bool | None = None
    values: list[Short] = Field([], max_length=50)


class SaidCondition(BaseModel):
    """``operator`` and ``value``; of something that is or is not, `=` and a truth value."""

    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
    operator: Literal["=", "!=", ">", ">=", "<", "<="]
    value: bool | int | float | Short


class SaidRule(BaseModel):
    when: list[SaidCondition] = Field(min_length=1, max_length=6)
    then: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=400)]


class SaidTransition(BaseModel):
    from_state: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60)]
    event: Short
    to_state: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60)]


class SaidScenario(BaseModel):
    """A case of its own, for what is neither a field's, a rule's nor a state's."""

    title: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
    negative: bool = False
    preconditions: list[Short] = Field([], max_length=8)
    steps: list[Short] = Field(min_length=1, max_length=12)
    expected: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]


class Said(BaseModel):
    """One thing that a passage says, with the passage's own words; just one of the four is given."""

    quote: Quote
    module: Short = ""
    field: SaidField | None = None
    rule: SaidRule | None = None
    transition: SaidTransition | None = None
    scenario: SaidScenario | None = None


class Reading(BaseModel):
    said: list[Said] = Field(max_length=100)
