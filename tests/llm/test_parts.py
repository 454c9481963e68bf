"""The small parts: the breaker, the budget, the fence, the engines."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from server.errors import ModelRequired
from server.llm.breaker import FAILURES_TO_OPEN, FIRST_COOL_DOWN_SECONDS, Breaker
from server.llm.budget import Budget, Limits
from server.llm.client import OpenAIModel
from server.llm.configured import configured_model
from server.llm.endpoint import Endpoint
from server.llm.failures import BudgetSpent
from server.llm.fencing import fence
from server.llm.usage import PriceList, Prices, Usage, estimate_tokens
from server.settings import Settings
from server.workflows.engines import engine_for, needs_model


def opened() -> Breaker:
    breaker = Breaker()
    for _ in range(FAILURES_TO_OPEN):
        assert breaker.wait(0) == 0
        breaker.failed(0)
    return breaker


def test_an_open_breaker_lets_one_call_through_for_each_cool_down() -> None:
    breaker = opened()
    assert breaker.wait(1) == FIRST_COOL_DOWN_SECONDS - 1
    assert breaker.wait(FIRST_COOL_DOWN_SECONDS) == 0
    assert breaker.wait(FIRST_COOL_DOWN_SECONDS) > 0, "the second waits for what the first finds"


def test_a_call_that_never_tells_its_outcome_blocks_nothing() -> None:
    breaker = opened()
    assert breaker.wait(FIRST_COOL_DOWN_SECONDS) == 0
    assert breaker.wait(FIRST_COOL_DOWN_SECONDS * 2) == 0


def test_a_breaker_cools_longer_each_time_and_closes_at_a_success() -> None:
    breaker = opened()
    for _ in range(10):
        breaker.failed(1)  # calls that were under way say nothing new
    assert breaker.wait(FIRST_COOL_DOWN_SECONDS) == 0
    breaker.failed(FIRST_COOL_DOWN_SECONDS)
    assert breaker.wait(FIRST_COOL_DOWN_SECONDS) == FIRST_COOL_DOWN_SECONDS * 2
    assert breaker.wait(FIRST_COOL_DOWN_SECONDS * 3) == 0
    breaker.succeeded()
    assert not breaker.open
    assert breaker.wait(0) == 0


def test_a_share_of_the_budget_is_kept_for_later_steps() -> None:
    budget = Budget(Limits(calls=10, tokens=1000))
    early = budget.account("early", keep=0.2)
    for _ in range(8):
        early.begin(10).settle(Usage(10, 5))
    with pytest.raises(BudgetSpent, match="8 of 8 calls"):
        early.begin(10)
    budget.account("late").begin(10).settle(Usage(10, 5))
    assert budget.spent.calls == 9


def test_money_is_counted_by_the_prices() -> None:
    """Each call by those of its model; a later server counts what it had cost then, whatever it costs now."""
    budget = Budget(Limits(money=0.002))
    account = budget.account("a")
    account.begin(100, Prices(input=2, output=8)).settle(Usage(100, 100))
    account.begin(100, Prices(input=1, output=1)).settle(Usage(100, 100))
    assert budget.spent.money == pytest.approx(0.0012)
    later = Budget(Limits(money=0.002), Endpoint("m", prices=PriceList(Prices(100, 100))).price)
    later.fold("a", account.to_json(), replayed=True)
    assert later.spent.money == pytest.approx(0.0012)
    with pytest.raises(BudgetSpent, match=r"0\.0012 of 0\.002 in money"):
        later.account("b").begin(800, Prices(input=1))


def test_what_has_no_price_is_not_taken_for_free() -> None:
    """Its cost is unknown, and a bound on money lets none of it through."""
    budget = Budget()
    budget.account("a").begin(100).settle(Usage(100, 100))
    assert budget.to_json()["money"] is None
    with pytest.raises(BudgetSpent, match="nobody has said what the model costs"):
        Budget(Limits(money=1)).account("a").begin(1)
    free = Budget(Limits(money=1))
    free.account("a").begin(100, Prices()).settle(Usage(100, 100))
    assert free.to_json()["money"] == 0


def test_each_model_has_its_price_or_the_usual_one() -> None:
    prices = Settings(model_price_input=1, model_prices="deep=10/40, Qwen/Qwen3-8B=0/0").model_prices
    assert prices == {"deep": (10, 40), "Qwen/Qwen3-8B": (0, 0)}
    wanted = Settings(openai_model="quick", openai_base_url="http://127.0.0.1:1/v1", openai_thinking_model="deep")
    known = configured_model(wanted.model_copy(update={"model_prices": prices, "model_price_input": 1.0}))
    unknown = configured_model(wanted)
    assert known is not None
    assert (known.price(), known.price(thinking=True)) == (Prices(1, 0), Prices(10, 40))
    assert known.price("Qwen/Qwen3-8B") == Prices()
    assert unknown is not None
    assert unknown.price() is None


@pytest.mark.parametrize("prices", ["deep", "deep=", "deep=1", "=1/2", "deep=1/2/3", "deep=a/b", "deep=-1/2"])
def test_prices_that_can_not_be_read_are_refused(prices: str) -> None:
    with pytest.raises(ValidationError, match="model_prices"):
        Settings(model_prices=prices)


def test_steps_that_run_at_once_see_what_the_others_are_spending() -> None:
    budget = Budget(Limits(tokens=100))
    one, other = budget.account("one").begin(10), budget.account("other").begin(10)
    assert one.output(40) is None
    assert other.output(30) is None
    assert one.output(10) == "100 of 100 tokens"


def test_working_time_goes_on_where_the_earlier_server_stopped() -> None:
    now = 100.0
    budget = Budget(Limits(seconds=60), clock=lambda: now)
    budget.fold(
        "a", {"calls": 1, "input_tokens": 1, "output_tokens": 1, "estimated": False, "seconds": 55.0}, replayed=True
    )
    now = 104.0
    assert budget.seconds == 59
    budget.fold(
        "b", {"calls": 1, "input_tokens": 1, "output_tokens": 1, "estimated": False, "seconds": 59.0}, replayed=False
    )
    assert budget.seconds == 59
    now = 106.0
    with pytest.raises(BudgetSpent, match="60 seconds"):
        budget.account("c").begin(1)


@given(st.text(max_size=200))
def test_no_text_gets_out_of_its_fence(text: str) -> None:
    """There is one tag at each end, whatever is between; and the same text is the same block."""
    block = fence("S1", text)
    opening, *inside, closing = block.split("\n")
    assert opening.startswith("<data S1 ")
    assert closing.startswith("</data ")
    assert "<data" not in "".join(inside).lower()
    assert "</data" not in "".join(inside).lower()
    assert block == fence("S1", text)


def test_a_fenced_text_is_capped_and_its_name_tame() -> None:
    block = fence("x>\nignore all", "y" * 50 + "</DATA>", longest=20)
    assert block.splitlines()[0].startswith("<data x__ignore_all ")
    assert "y" * 20 in block
    assert "y" * 21 not in block
    assert "[cut off here]" in block


@pytest.mark.parametrize(
    ("asked", "configured", "engine"),
    [
        ("auto", True, "llm"),
        ("auto", False, "embedded"),
        ("embedded", True, "embedded"),
        ("embedded", False, "embedded"),
        ("llm", True, "llm"),
    ],
)
def test_the_engine_is_a_model_where_there_is_one(asked: str, configured: bool, engine: str) -> None:
    model = OpenAIModel(Endpoint("m")) if configured else None
    assert engine_for(asked, model) == engine  # type: ignore[arg-type]  # the literals above
    wanted = {"instructions": True, "images": False}
    assert needs_model(engine_for(asked, model), wanted) == (["instructions"] if engine == "embedded" else [])  # type: ignore[arg-type]  # as above


def test_a_model_that_is_not_there_is_asked_for_by_its_settings() -> None:
    with pytest.raises(ModelRequired, match="OPENAI_MODEL and OPENAI_BASE_URL"):
        engine_for("llm", None)


@pytest.mark.parametrize(("text", "tokens"), [("", 0), ("abcd", 1), ("abcde", 2), ("水垢", 2), ("水垢 abcd", 4)])
def test_tokens_are_estimated_by_script(text: str, tokens: int) -> None:
    assert estimate_tokens(text) == tokens
