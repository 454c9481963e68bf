"""Values out of replies: found, validated, put right."""

import pytest
from anyio import fail_after
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from server.llm.base import prompt
from server.llm.failures import ModelReplyInvalid
from server.llm.scripted import Rule
from server.llm.structured import ask_for, json_in
from tests.llm.endpoint import call, serving_model


class Plan(BaseModel):
    questions: list[str] = Field(min_length=1)
    rounds: int


GOOD = '{"questions": ["Was ist Kalk?", "怎样除垢？"], "rounds": 2}'
QUESTION = prompt("Make a plan.")


@pytest.mark.parametrize(
    "reply",
    [
        GOOD,
        f"```json\n{GOOD}\n```",
        f"Sure! Here it is:\n\n{GOOD}\n\nAnything [else]?",
        f'First a thought {{not json}} and [1, 2], then {GOOD} and {{"rounds": 1}}.',
        f"<think>{{}}</think>{GOOD}",
    ],
)
async def test_a_value_is_found_in_whatever_came_back(reply: str) -> None:
    with serving_model(Rule(reply=reply)) as served, fail_after(10):
        answer = await ask_for(served.client(), QUESTION, Plan, call())
    assert answer.value == Plan(questions=["Was ist Kalk?", "怎样除垢？"], rounds=2)
    assert answer.repairs == 0
    assert served.asked[0].body["response_format"]["json_schema"]["schema"]["required"] == ["questions", "rounds"]


async def test_a_reply_that_does_not_fit_is_put_right_by_telling_what_is_wrong() -> None:
    """The model sees its own reply and the faults; each repair is a call of its own."""
    rules = Rule(reply='{"questions": [], "rounds": "two"}', times=1), Rule(reply="I can't.", times=1)
    with serving_model(*rules, Rule(reply=GOOD)) as served, fail_after(10):
        answer = await ask_for(served.client(), QUESTION, Plan, call())
    assert (answer.value.rounds, answer.repairs) == (2, 2)
    first = served.asked[1].body["messages"]
    assert first[-2] == {"role": "assistant", "content": '{"questions": [], "rounds": "two"}'}
    assert "questions" in first[-1]["content"]
    assert "rounds" in first[-1]["content"]
    assert len(served.calls) == 3


async def test_two_repairs_are_the_most() -> None:
    with serving_model(Rule(reply="no")) as served, fail_after(10), pytest.raises(ModelReplyInvalid, match="no JSON"):
        await ask_for(served.client(), QUESTION, Plan, call())
    assert len(served.asked) == 3


async def test_a_reply_that_was_cut_off_is_asked_for_shorter() -> None:
    rules = Rule(reply=GOOD[:30], finish="length", times=1), Rule(reply=GOOD)
    with serving_model(*rules) as served, fail_after(10):
        answer = await ask_for(served.client(), QUESTION, Plan, call())
    assert answer.repairs == 1
    assert "shorter" in served.asked[1].body["messages"][-1]["content"]


@given(st.text(alphabet='{}[]",:1a \n`', max_size=60))
def test_looking_for_json_in_anything_comes_to_an_end(text: str) -> None:
    for value in json_in(text):
        assert isinstance(value, dict | list | int | float | str | bool | None)


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 50_000, "[" + "9" * 10_000 + "]", "[NaN]"])
def test_hostile_json_is_no_value(text: str) -> None:
    """Neither too deep, nor a number of ten thousand digits, nor what only looks like JSON."""
    assert list(json_in(text)) == []
