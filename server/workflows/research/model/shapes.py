"""What the model is asked for, as types: their JSON Schema goes to it, and its replies are validated by them.

They ask for little and take more than they ask for: a list that is too long is cut by code, as a repair costs a call.
"""

from pydantic import BaseModel, Field


class Brief(BaseModel):
    """What the user wants to know, in the user's language."""

    brief: str = Field(description="What is to be found out, for whom, and what would count as an answer: 2 to 5 lines")


class Planned(BaseModel):
    """One question of the plan."""

    question: str = Field(description="one question that sources can answer")
    goal: str = Field("", description="what its answer is needed for")
    queries: list[str] = Field(default_factory=list, description="1 to 3 search queries, a few words each")


class Plan(BaseModel):
    """The questions of the plan."""

    questions: list[Planned]


class Statement(BaseModel):
    """Something that one source says."""

    source: str = Field(description="the source's id, as S3")
    statement: str = Field(description="what it says that helps to answer the question: one sentence of your own")
    quote: str = Field(
        description="the words of the source that say so, copied letter for letter, one or two sentences"
    )


class Learned(BaseModel):
    """What the sources say about one question."""

    statements: list[Statement]


class Gaps(BaseModel):
    """What is still unanswered."""

    questions: list[Planned] = Field(description="questions that are still open and can be searched for; none: enough")


class Section(BaseModel):
    """One section of the report."""

    heading: str
    goal: str = Field("", description="what the section has to tell")
    evidence: list[str] = Field(default_factory=list, description="ids of the statements that it rests on, as E4")


class Outline(BaseModel):
    """The sections of the report, in order."""

    sections: list[Section]
