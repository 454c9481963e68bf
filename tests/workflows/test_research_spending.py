"""What research with a model may cost, and what becomes of a task whose key is refused."""

import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from server.errors import InvalidParameters
from server.llm.failures import ModelDenied
from server.llm.scripted import Rule
from server.llm.usage import PriceList, Prices, Usage
from server.sources.fetch import Fetcher
from server.sources.library import Library
from server.workflows.rehearsal import Killed, RehearsalContext
from server.workflows.research.workflow import research_workflow
from tests.workflows.researcher import QUERY, research, serving_researcher

DATA = Path(__file__).parent.parent / "data/library"
PRICES = PriceList(Prices(input=100, output=400))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(DATA, tmp_path / "library"))


@pytest.mark.parametrize("stage", ["scope", "learn", "section", "summary"])
async def test_a_key_that_is_refused_is_not_recorded_and_the_mended_one_goes_on(folder: Path, stage: str) -> None:
    """It is no result of the step: `retry` asks again, and only for what was not finished."""
    with serving_researcher() as served:
        whole, _ = await research(folder, served)
        served.faulty[stage] = [Rule(status=401, error="wrong key")]
        first = RehearsalContext()
        with pytest.raises(ModelDenied, match="OPENAI_API_KEY"):
            await research(folder, served, first)
        finished = {key for key in first.journal if ":begun:" not in key and ":ended:" not in key}
        second = RehearsalContext(first.journal)
        result, _ = await research(folder, served, second)
    assert finished.isdisjoint(second.ran)
    assert result["status"] == "complete"
    assert result["evidence"] == whole["evidence"]
    assert result["spent"]["calls"] == whole["spent"]["calls"] + 1, "the refused call is counted"


def _usage(result: Any) -> Usage:
    return Usage(result["spent"]["input_tokens"], result["spent"]["output_tokens"])


async def test_a_budget_of_money_holds_over_all_servers_that_had_the_task(folder: Path) -> None:
    """What each server spent is in the journal; with less than it takes, something is written all the same."""
    with serving_researcher() as served:
        client = served.client(prices=PRICES)
        whole, _ = await research(folder, served, client=client)
        most = round(whole["spent"]["money"] * 0.9, 4)
        journal = RehearsalContext().journal
        for kill in (8, 8):
            with suppress(Killed):
                context = RehearsalContext(journal, steps_until_kill=kill)
                await research(folder, served, context, client=client, budget={"money": most})
        last = RehearsalContext(journal)
        result, _ = await research(folder, served, last, client=client, budget={"money": most})
    assert whole["spent"]["money"] > 0
    assert whole["spent"]["money"] / 4 < result["spent"]["money"] <= most * 1.1
    assert result["status"] == "partial"
    assert "budget_spent" in last.report
    assert result["spent"]["money"] == pytest.approx(PRICES.of("any").of(_usage(result)), rel=0.01)  # type: ignore[union-attr]  # it has one


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        ({}, "scripted and deep"),
        ({"thinking_model": "quick"}, "scripted"),
        ({"model": "quick", "thinking_model": "other"}, "other"),
    ],
)
def test_a_bound_on_money_without_a_price_is_refused(folder: Path, asked: dict[str, str], named: str) -> None:
    """With the models that have none, and what would be right; the embedded engine costs nothing."""
    with serving_researcher() as served:
        prices = PriceList(named={"quick": Prices(1, 2)})
        client = served.client(prices=prices, thinking_model="deep")
        workflow = research_workflow(Library(folder), Fetcher(), model=client)
    assert workflow.check is not None
    wanted = {"query": QUERY, "budget": {"money": 1}, **asked}
    with pytest.raises(InvalidParameters) as caught:
        workflow.check(workflow.params.model_validate(wanted))
    (error,) = caught.value.errors
    assert (error.path, error.code) == ("budget.money", "no_price")
    assert f"no price for {named}, so" in error.message
    assert "MODEL_PRICES" in error.message
    workflow.check(workflow.params.model_validate({**wanted, "engine": "embedded"}))
