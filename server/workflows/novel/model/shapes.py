"""What the model is asked to reply with, by stage. Bounds are wide: code cuts what is too much, and checks the rest."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

Word = Annotated[str, Field(max_length=300)]
Prose = Annotated[str, Field(max_length=8000)]
Words = Annotated[list[Word], Field(max_length=200)]


class ChapterDraft(BaseModel):
    number: int
    title: Word
    summary: Prose
    cast: Words = []
    place: Word = ""


class OutlineDraft(BaseModel):
    chapters: list[ChapterDraft] = Field(max_length=200)


class VolumeDraft(BaseModel):
    number: int
    title: Word
    summary: Prose = ""


class VolumesDraft(BaseModel):
    volumes: list[VolumeDraft] = Field(max_length=400)


class CharacterDraft(BaseModel):
    name: Word
    aliases: Words = []
    role: Word = ""
    goal: Prose = ""
    arc: Prose = ""
    description: Prose = ""


class CharactersDraft(BaseModel):
    characters: list[CharacterDraft] = Field(max_length=200)


class WorldDraft(BaseModel):
    name: Word
    kind: Word = ""
    description: Prose = ""
    inside: Word = ""


class WorldsDraft(BaseModel):
    entries: list[WorldDraft] = Field(max_length=200)


class EventDraft(BaseModel):
    title: Word
    description: Prose = ""
    day: int | None = None
    place: Word = ""
    participants: Words = []
    chapter: int | None = None
    requires: list[int] = Field([], max_length=50)
    deaths: Words = []


class TimelineDraft(BaseModel):
    events: list[EventDraft] = Field(max_length=500)


class HintDraft(BaseModel):
    title: Word
    description: Prose = ""
    tier: Literal["short", "medium", "long"] = "medium"


class HintsDraft(BaseModel):
    foreshadowing: list[HintDraft] = Field(max_length=200)


class StateDraft(BaseModel):
    name: Word
    state: Word


class TouchDraft(BaseModel):
    id: Word
    action: Literal["planted", "reinforced", "paid"]
    quote: Annotated[str, Field(max_length=1000)]


class SummaryDraft(BaseModel):
    summary: Prose
    states: list[StateDraft] = Field([], max_length=200)
    foreshadowing: list[TouchDraft] = Field([], max_length=200)


class Problem(BaseModel):
    quote: Annotated[str, Field(max_length=1000)]
    problem: Annotated[str, Field(max_length=1000)]


class ReviewDraft(BaseModel):
    problems: list[Problem] = Field(max_length=50)
