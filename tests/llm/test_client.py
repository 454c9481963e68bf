"""The client against the scripted endpoint, over real sockets: each way in which an endpoint can fail."""

import logging
from typing import Any

import anyio
import pytest
from anyio import fail_after

from server.llm.base import Finish, Piece, prompt
from server.llm.budget import Budget, Limits
from server.llm.client import OpenAIModel
from server.llm.endpoint import Endpoint
from server.llm.failures import (
    BudgetSpent,
    ContentFiltered,
    ContextTooLong,
    ModelCut,
    ModelDenied,
    ModelEmpty,
    ModelFailed,
    ModelGarbled,
    ModelQuotaSpent,
    ModelRateLimited,
    ModelRejected,
    ModelReplyInvalid,
    ModelTimeout,
    ModelUnavailable,
    ModelUnknown,
)
from server.llm.scripted import Rule
from tests.llm.endpoint import KEY, call, serving_model
from tests.scripted import answer, free_port, scripted

TEXT = "The kettle is descaled with vinegar. 用醋去除水垢。 " * 3
QUESTION = prompt("How do I descale a kettle?")
SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}}


class Heard:
    """A listener that keeps what it hears."""

    def __init__(self) -> None:
        self.pieces: list[Piece] = []
        self.first = anyio.Event()

    async def __call__(self, piece: Piece) -> None:
        self.pieces.append(piece)
        self.first.set()

    def text(self, kind: str = "content") -> str:
        return "".join(piece.text for piece in self.pieces if piece.kind == kind)


async def test_a_reply_is_passed_on_piece_by_piece_with_its_usage() -> None:
    """What is heard is the reply, and the endpoint's own count of tokens is what is spent."""
    heard, budget = Heard(), Budget()
    with serving_model(Rule(reply=TEXT)) as served, fail_after(10):
        reply = await served.client().ask(QUESTION, call(budget), heard)
    assert reply.text == heard.text() == TEXT
    assert len(heard.pieces) > 5
    assert (reply.finish, reply.partial, reply.model, reply.attempts) == (Finish.STOP, False, "scripted", 1)
    assert not reply.usage.estimated
    assert budget.spent.usage == reply.usage
    assert budget.spent.calls == 1


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning", "think"])
async def test_what_the_model_thinks_is_told_apart_from_its_reply(field: str) -> None:
    """In the fields that endpoints have for it, and in tags within the content."""
    heard = Heard()
    with serving_model(Rule(reply=TEXT, reasoning="Vinegar or acid?", reasoning_field=field)) as served, fail_after(10):
        reply = await served.client().ask(QUESTION, call(), heard)
    assert (reply.text, reply.reasoning) == (TEXT, "Vinegar or acid?")
    assert (heard.text(), heard.text("reasoning")) == (TEXT, "Vinegar or acid?")


async def test_the_idempotency_key_and_the_operators_key_are_sent() -> None:
    with serving_model(Rule(reply="ok")) as served, fail_after(10):
        await served.client().ask(QUESTION, call())
        await served.client(api_key=None).ask(QUESTION, call(key="t:g:other"))
    assert [asked.key for asked in served.asked] == ["task:life:step", "t:g:other"]
    assert served.asked[0].headers["authorization"] == f"Bearer {KEY}"
    assert "authorization" not in served.asked[1].headers


async def test_tokens_are_estimated_where_the_endpoint_does_not_count() -> None:
    with serving_model(Rule(reply=TEXT, usage=False)) as served, fail_after(10):
        reply = await served.client().ask(QUESTION, call())
    assert reply.usage.estimated
    assert 40 < reply.usage.output_tokens < 70


async def test_an_endpoint_that_does_not_stream_is_understood() -> None:
    """A whole JSON reply to a request for a stream is as good."""
    body = b'{"model":"m","choices":[{"message":{"content":"whole"},"finish_reason":"stop"}],"usage":{}}'
    async with scripted([answer("200 OK", body)]) as server:
        with fail_after(10):
            reply = await OpenAIModel(Endpoint("m", f"{server.url}/v1")).ask(QUESTION, call())
    assert (reply.text, reply.finish, reply.model) == ("whole", Finish.STOP, "m")


async def test_a_form_of_request_that_is_refused_is_not_tried_again() -> None:
    """Neither the schema, nor the usage, nor the old name of the token limit; and the schema is told in words."""
    rule = Rule(reply='{"a": 1}', refuses=("json_schema", "json_object", "stream_options", "max_tokens"))
    with serving_model(rule) as served, fail_after(10):
        client = served.client()
        for _ in range(2):
            reply = await client.ask(prompt("x", schema=SCHEMA, max_tokens=50), call())
            assert reply.text == '{"a": 1}'
    assert len(served.asked) == 6, "four refusals, and two answers"
    last = served.asked[-1].body
    assert "response_format" not in last
    assert "stream_options" not in last
    assert last["max_completion_tokens"] == 50
    assert '"properties"' in last["messages"][-1]["content"]


async def test_a_refusal_that_has_nothing_to_do_with_the_form_is_not_remembered() -> None:
    with serving_model(Rule(status=400, error="bad day", times=2), Rule(reply="{}")) as served, fail_after(10):
        client = served.client()
        with pytest.raises(ModelRejected, match="bad day"):
            await client.ask(QUESTION, call())
        await client.ask(prompt("x", schema=SCHEMA), call())
    assert served.asked[-1].body["response_format"]["type"] == "json_schema"
    assert "stream_options" in served.asked[-1].body


@pytest.mark.parametrize(
    ("rule", "failure"),
    [
        (Rule(status=429, error="slow down"), ModelRateLimited),
        (Rule(status=429, error="insufficient_quota: pay first"), ModelQuotaSpent),
        (Rule(status=503, error="loading"), ModelUnavailable),
        (Rule(status=401, error=f"wrong key {KEY}"), ModelDenied),
        (Rule(status=404, error="no such model"), ModelUnknown),
        (Rule(status=400, error="maximum context length is 4096 tokens"), ContextTooLong),
        (Rule(status=400, error="content_filter"), ContentFiltered),
        (Rule(status=307, headers={"location": "http://127.0.0.1:1/v1"}), ModelGarbled),
        (Rule(fault="html"), ModelGarbled),
        (Rule(reply=TEXT, fault="garbage"), ModelGarbled),
        (Rule(reply=TEXT, fault="no_json"), ModelGarbled),
        (Rule(reply=TEXT, fault="error", status=200, error="CUDA out of memory"), ModelUnavailable),
        (Rule(reply=TEXT, fault="cut"), ModelCut),
        (Rule(reply=TEXT, fault="hang"), ModelTimeout),
        (Rule(reply=""), ModelEmpty),
        (Rule(reply="", finish="content_filter"), ContentFiltered),
        (Rule(reasoning=TEXT, finish="length"), ModelReplyInvalid),
        (Rule(reply=TEXT, finish=None, done=False, piece=1000, fault="cut"), ModelCut),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else f"{value.status}-{value.fault or value.finish}",
)
async def test_each_failure_has_its_name(rule: Rule, failure: type[ModelFailed]) -> None:
    """It is tried again just where that can help, and the key is in no sentence."""
    with serving_model(rule) as served, fail_after(20):
        client = served.client(retries=2, first_token_seconds=0.3)
        with pytest.raises(ModelFailed) as caught:
            await client.ask(QUESTION, call())
    assert type(caught.value) is failure
    assert KEY not in caught.value.detail
    assert len(served.asked) == (3 if failure.retryable else 1)


async def test_an_endpoint_that_is_not_there_is_unavailable() -> None:
    client = OpenAIModel(Endpoint("m", f"http://127.0.0.1:{free_port()}/v1", retries=1, back_off_seconds=0.01))
    with fail_after(10), pytest.raises(ModelUnavailable, match="No connection"):
        await client.ask(QUESTION, call())


@pytest.mark.parametrize("fault", ["cut", "hang", "garbage", "error"])
async def test_a_text_that_breaks_off_is_kept_and_not_asked_for_again(fault: Any) -> None:
    """Its pieces have been passed on, and nothing that was passed on is taken back."""
    heard = Heard()
    with serving_model(Rule(reply=TEXT, fault=fault, after=4)) as served, fail_after(10):
        reply = await served.client(next_token_seconds=0.3).ask(QUESTION, call(), heard)
    assert reply.finish is Finish.CUT
    assert reply.text == heard.text() == TEXT[:32]
    assert len(served.asked) == 1
    assert reply.usage.estimated


@pytest.mark.parametrize("fault", ["linger", "drop"])
async def test_a_reply_that_is_whole_needs_no_good_bye(fault: Any) -> None:
    """An endpoint that keeps the connection, or breaks it, after it said why it ended, has said all."""
    with serving_model(Rule(reply=TEXT, fault=fault)) as served, fail_after(10):
        reply = await served.client(next_token_seconds=0.5).ask(QUESTION, call())
    assert (reply.text, reply.finish, reply.attempts) == (TEXT, Finish.STOP, 1)


async def test_a_structured_reply_that_breaks_off_is_asked_for_again() -> None:
    """Nothing of it was passed on, so nobody notices; the call is the same call, by its key."""
    heard = Heard()
    rules = Rule(reply='{"a": 1}', fault="cut", after=1, times=1, piece=3), Rule(reply='{"a": 2}')
    with serving_model(*rules) as served, fail_after(10):
        reply = await served.client().ask(prompt("x", schema=SCHEMA), call(), heard)
    assert (reply.text, reply.attempts) == ('{"a": 2}', 2)
    assert heard.pieces == []
    assert served.calls == {"task:life:step": 2}


async def test_a_failure_that_passes_is_survived() -> None:
    rules = Rule(status=503, times=1), Rule(status=429, headers={"retry-after": "0"}, times=1), Rule(times=1)
    with serving_model(*rules, Rule(reply=TEXT)) as served, fail_after(10):
        budget = Budget()
        reply = await served.client().ask(QUESTION, call(budget))
    assert (reply.text, reply.attempts) == (TEXT, 4)
    assert budget.spent.calls == 4


async def test_the_wait_that_an_endpoint_asks_for_is_kept() -> None:
    with serving_model(Rule(status=429, headers={"retry-after": "1"}, times=1), Rule(reply="ok")) as served:
        began = anyio.current_time()
        with fail_after(10):
            await served.client().ask(QUESTION, call())
    assert anyio.current_time() - began >= 1


async def test_a_wait_that_is_too_long_is_told_instead() -> None:
    """Whoever gets the failure can see when to come again."""
    told = {"retry-after": "3600"}
    with (
        serving_model(Rule(status=429, headers=told)) as served,
        fail_after(10),
        pytest.raises(ModelRateLimited) as caught,
    ):
        await served.client().ask(QUESTION, call())
    assert caught.value.retry_after == 3600
    assert len(served.asked) == 1


async def test_slow_tokens_are_waited_for() -> None:
    """Each within its time, though the whole takes longer than that."""
    with serving_model(Rule(reply="a" * 80, pause=0.1)) as served, fail_after(10):
        reply = await served.client(first_token_seconds=0.6, next_token_seconds=0.6).ask(QUESTION, call())
    assert reply.text == "a" * 80


async def test_a_length_is_partial_and_no_failure() -> None:
    with serving_model(Rule(reply=TEXT, finish="length")) as served, fail_after(10):
        reply = await served.client().ask(QUESTION, call())
    assert (reply.text, reply.finish, reply.partial) == (TEXT, Finish.LENGTH, True)


async def test_cancelling_closes_the_connection_in_mid_stream() -> None:
    """Within a second the endpoint knows that nobody listens any more, and what came is counted."""
    heard, budget = Heard(), Budget()
    with serving_model(Rule(reply=TEXT * 50, pause=0.02)) as served, fail_after(10):
        async with anyio.create_task_group() as tg:
            tg.start_soon(served.client().ask, QUESTION, call(budget), heard)
            await heard.first.wait()
            began = anyio.current_time()
            tg.cancel_scope.cancel()
        while not served.asked[0].left:
            await anyio.lowlevel.checkpoint()
        assert anyio.current_time() - began < 1
    assert budget.spent.calls == 1
    assert budget.spent.usage.output_tokens > 0


@pytest.mark.parametrize(
    ("limits", "finish"),
    [(Limits(seconds=0.4), Finish.BUDGET), (Limits(tokens=60), Finish.BUDGET)],
    ids=["seconds", "tokens"],
)
async def test_a_budget_ends_a_reply_that_goes_on_and_on(limits: Limits, finish: Finish) -> None:
    """What came is kept; no further call is made."""
    budget = Budget(limits)
    with serving_model(Rule(reply=TEXT * 200, pause=0.01)) as served, fail_after(10):
        client = served.client()
        reply = await client.ask(QUESTION, call(budget))
        assert reply.finish is finish
        assert 0 < len(reply.text) < len(TEXT) * 4
        with pytest.raises(BudgetSpent):
            await client.ask(QUESTION, call(budget, "another"))
    assert len(served.asked) == 1


async def test_a_budget_of_calls_counts_attempts() -> None:
    budget = Budget(Limits(calls=2))
    with serving_model(Rule(status=503)) as served, fail_after(10), pytest.raises(BudgetSpent, match="2 of 2"):
        await served.client(retries=5).ask(QUESTION, call(budget))
    assert len(served.asked) == 2


async def test_an_endpoint_that_fails_again_and_again_is_left_in_peace() -> None:
    """The breaker opens for all callers; it waits, or says how long it would have to."""
    with serving_model(Rule(status=503)) as served, fail_after(20):
        client = served.client(retries=9, longest_wait_seconds=1.0)
        with pytest.raises(ModelUnavailable) as caught:
            await client.ask(QUESTION, call())
        with pytest.raises(ModelUnavailable, match="left in peace"):
            await client.ask(QUESTION, call())
    assert client.breaker.open
    assert (caught.value.retry_after or 0) > 1
    assert len(served.asked) == 5


async def test_no_more_calls_at_once_than_the_operator_allows() -> None:
    with serving_model(Rule(reply=TEXT, pause=0.01)) as served, fail_after(20):
        client, most = served.client(at_once=2), 0

        async def watch(piece: Piece) -> None:
            nonlocal most
            most = max(most, sum(not asked.answered for asked in served.asked))

        async with anyio.create_task_group() as tg:
            for number in range(6):
                tg.start_soon(client.ask, QUESTION, call(key=f"call{number}"), watch)
    assert len(served.asked) == 6
    assert most == 2


async def test_prompts_are_logged_only_by_choice(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with serving_model(Rule(reply="ok")) as served, fail_after(10):
        await served.client().ask(QUESTION, call())
        assert "kettle" not in caplog.text
        await served.client(log_prompts=True).ask(QUESTION, call())
    assert "kettle" in caplog.text
    assert KEY not in caplog.text


async def test_the_check_says_whether_the_endpoint_answers() -> None:
    with serving_model(Rule(reply="OK")) as served, fail_after(10):
        assert (await served.client().check()).text == "OK"
    with pytest.raises(ModelUnavailable), fail_after(10):
        await served.client().check()


def test_the_identity_holds_no_credentials() -> None:
    endpoint = Endpoint("m", f"https://user:{KEY}@host.example:8443/v1/?key={KEY}#x", api_key=KEY)
    assert endpoint.identity == {"name": "m", "thinking": "m", "base_url": "https://host.example:8443/v1"}
    assert KEY not in repr(Endpoint("m", "https://host.example/v1", api_key=KEY))
