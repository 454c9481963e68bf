"""Long texts: what breaks off is gone on with, and nothing that was passed on is taken back."""

import pytest
from anyio import fail_after

from server.llm.base import Finish, Piece, prompt
from server.llm.budget import Budget, Limits
from server.llm.failures import ModelUnavailable
from server.llm.scripted import Rule
from server.llm.writing import write
from tests.llm.endpoint import call, serving_model

FIRST = "The first section is about lime, and it says a good deal about it. "
SECOND = "The second section is about vinegar, which dissolves it."
QUESTION = prompt("Write two sections.")


class Page:
    def __init__(self) -> None:
        self.text = ""

    async def hear(self, piece: Piece) -> None:
        self.text += piece.text if piece.kind == "content" else ""


@pytest.mark.parametrize(
    "first",
    [
        Rule(reply=FIRST, finish="length", times=1),
        Rule(reply=FIRST + SECOND, fault="cut", after=len(FIRST), piece=1, times=1),
    ],
    ids=["length", "cut"],
)
@pytest.mark.parametrize("again", ["", FIRST[-30:]], ids=["exactly", "with its last words again"])
async def test_a_text_that_breaks_off_is_gone_on_with(first: Rule, again: str) -> None:
    """The seam can't be seen, even where the model begins with its last words once more."""
    page = Page()
    with serving_model(first, Rule(reply=again + SECOND)) as served, fail_after(10):
        reply = await write(served.client(), QUESTION, call(), page.hear)
    assert reply.text == page.text == FIRST + SECOND
    assert reply.finish is Finish.STOP
    assert served.asked[1].body["messages"][-2] == {"role": "assistant", "content": FIRST}
    assert list(served.calls) == ["task:life:step", "task:life:step#more1"]


async def test_a_stop_that_covers_too_little_is_not_believed() -> None:
    """The model is told what is still missing; where that does not help, the text is partial and says so."""

    def lacking(text: str) -> str | None:
        return None if "vinegar" in text else "The section on vinegar is missing; write it now."

    with serving_model(Rule(reply=FIRST, times=1), Rule(reply=SECOND)) as served, fail_after(10):
        reply = await write(served.client(), QUESTION, call(), lacking=lacking)
    assert (reply.text, reply.finish) == (FIRST + SECOND, Finish.STOP)
    assert "vinegar" in served.asked[1].body["messages"][-1]["content"]
    with serving_model(Rule(reply=FIRST)) as served, fail_after(10):
        reply = await write(served.client(), QUESTION, call(), lacking=lacking)
    assert reply.finish is Finish.SHORT
    assert len(served.asked) == 4


async def test_a_text_stays_when_the_endpoint_goes_away_in_the_middle() -> None:
    page = Page()
    rules = Rule(reply=FIRST, finish="length", times=1), Rule(status=503)
    with serving_model(*rules) as served, fail_after(10):
        reply = await write(served.client(retries=1), QUESTION, call(), page.hear)
    assert (reply.text, page.text, reply.finish) == (FIRST, FIRST, Finish.LENGTH)


async def test_a_text_stays_when_the_budget_is_spent() -> None:
    with serving_model(Rule(reply=FIRST, finish="length")) as served, fail_after(10):
        reply = await write(served.client(), QUESTION, call(Budget(Limits(calls=2))))
    assert reply.partial
    assert reply.text.startswith(FIRST)
    assert len(served.asked) == 2


async def test_without_a_beginning_it_fails() -> None:
    with serving_model(Rule(status=503)) as served, fail_after(10), pytest.raises(ModelUnavailable):
        await write(served.client(retries=0), QUESTION, call())
