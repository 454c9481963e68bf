"""What a request may say that its task costs, the same in every kind that asks a model."""

from collections.abc import Collection

from pydantic import BaseModel, ConfigDict, Field

from server.errors import FieldError, InvalidParameters
from server.llm.base import Model
from server.llm.budget import Budget, Limits, unpriced
from server.workflows.chinese import zh


class ModelBudget(BaseModel):
    """What a model may cost, the whole task together; what is left out is not bounded."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    seconds: float | None = Field(
        None,
        gt=0,
        le=1_000_000,
        title="Seconds",
        description="Working time after which the model is asked nothing more.",
        json_schema_extra=zh("秒数", "用完后不再询问模型。"),
    )
    tokens: int | None = Field(
        None,
        gt=0,
        le=1_000_000_000,
        title="Tokens",
        description="Most tokens a model may use; the embedded engine uses none.",
        json_schema_extra=zh("词元数", "模型最多可用的词元；内置引擎不使用。"),
    )
    calls: int | None = Field(
        None,
        gt=0,
        le=1_000_000,
        title="Model calls",
        description="Most calls of a model; the embedded engine makes none.",
        json_schema_extra=zh("模型调用次数", "最多调用模型的次数；内置引擎不调用。"),
    )
    money: float | None = Field(
        None,
        gt=0,
        le=1_000_000_000,
        title="Money",
        description="Most money a model may cost, in the currency of the server's prices; needs these prices.",
        json_schema_extra=zh("金额", "模型最多可花的钱，币种同服务器的价格设置；需要有价格。"),
    )

    def opened(self, model: Model | None) -> Budget:
        """The task's budget, by this model's prices."""
        return Budget(Limits(**self.model_dump()), unpriced if model is None else model.price)


def refuse_unpriced(
    budget: ModelBudget, model: Model, asked: Collection[tuple[str | None, bool]] = ((None, False),)
) -> None:
    """
    :param asked: what the task asks of the endpoint: the model that is named instead of its usual one, if any, and
        whether it is for thinking.
    :raises InvalidParameters: money is bounded, and nobody has said what one of the models costs.
    """
    if budget.money is None:
        return
    without = [
        named or model.identity["thinking" if thinking else "name"]
        for named, thinking in asked
        if model.price(named, thinking=thinking) is None
    ]
    if names := list(dict.fromkeys(without)):
        told = (
            f"This server has no price for {' and '.join(names)}, so it can't count money: set MODEL_PRICES, or "
            "MODEL_PRICE_INPUT and MODEL_PRICE_OUTPUT; or bound `tokens` or `calls` instead."
        )
        raise InvalidParameters(errors=[FieldError("budget.money", "no_price", told)])
