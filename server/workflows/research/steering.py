"""What a running research task can be told."""

from typing import Annotated

from pydantic import Field, StringConstraints, model_validator

from server.workflows.base import Params
from server.workflows.research.params import Text


class ResearchSteering(Params):
    """A further question, or that it is enough."""

    question: Annotated[Text, StringConstraints(max_length=500)] | None = Field(
        None,
        title="Question",
        description="Look into this as well.",
        json_schema_extra={"zh": {"title": "问题", "description": "另外研究这个问题。"}},
    )
    write_now: bool = Field(
        False,
        title="Write now",
        description="It is enough: write the report from what there is.",
        json_schema_extra={"zh": {"title": "现在写", "description": "已经足够：就现有材料写报告。"}},
    )

    @model_validator(mode="after")
    def _says_something(self) -> "ResearchSteering":
        if self.question is None and not self.write_now:
            raise ValueError('Say what to do: {"question": "…"} or {"write_now": true}.')
        return self
