"""What stands before a provider: its pace, its rests after failures, and what is said of it."""

import logging

import anyio
import pytest
from anyio import fail_after

from server.sources.providers.base import Hit, ProviderFailed
from server.sources.providers.clock import ManualClock
from server.sources.providers.post import FAILURES_TO_REST, REST_SECONDS, Pace, Post
from server.sources.providers.scripted import ScriptedProvider
from server.sources.providers.words import described, told

FOUND = [Hit("https://kettles.example/", "Kettles", "", "scripted")]


def down() -> ProviderFailed:
    return ProviderFailed("unreachable", "No connection to it could be made.")


async def ask(post: Post, seconds: float = 20.0) -> list[Hit]:
    with fail_after(5):
        return await post.ask("kettle", language="en", limit=5, seconds=seconds)


async def refused(post: Post, seconds: float = 20.0) -> ProviderFailed:
    with pytest.raises(ProviderFailed) as caught:
        await ask(post, seconds)
    return caught.value


def test_places_are_as_far_apart_as_they_should_be() -> None:
    """The first is at once; what would be too far is not taken, so it costs the next one nothing."""
    pace = Pace(3.0)
    assert [pace.take(100.0, 10.0) for _ in range(4)] == [0.0, 3.0, 6.0, 9.0]
    assert pace.take(100.0, 10.0) is None
    assert pace.take(103.0, 10.0) == 9.0
    assert pace.take(1000.0, 10.0) == 0.0


async def test_the_pace_holds_for_all_who_ask() -> None:
    """Six at once are asked one after another, so many seconds apart; nobody waits for longer than it is worth."""
    clock = ManualClock()
    provider = ScriptedProvider(otherwise=FOUND)
    post = Post(provider, 3.0, clock)
    outcomes: list[str] = []

    async def one() -> None:
        try:
            await ask(post, seconds=20.0)
            outcomes.append("found")
        except ProviderFailed as failure:
            outcomes.append(failure.code)

    for _ in range(3):
        await one()
    assert clock.slept == [3.0, 3.0]
    async with anyio.create_task_group() as group:
        for _ in range(6):
            group.start_soon(one)
    assert clock.slept[2:] == [3.0, 6.0, 9.0]
    assert outcomes.count("busy") == 3
    assert len(provider.asked) == outcomes.count("found") == 6


async def test_failures_in_a_row_bring_a_rest_and_one_success_ends_it() -> None:
    """While it rests it is not asked at all; after that one request goes through and decides."""
    clock = ManualClock()
    provider = ScriptedProvider(otherwise=FOUND, failures=[down() for _ in range(FAILURES_TO_REST + 1)])
    post = Post(provider, clock=clock)
    for _ in range(FAILURES_TO_REST):
        assert (await refused(post)).code == "unreachable"
    assert post.state.state == "cooling"
    resting = await refused(post)
    assert resting.code == "cooling_down"
    assert "No connection" in resting.message
    assert len(provider.asked) == FAILURES_TO_REST
    clock.time += post.state.seconds
    assert (await refused(post)).code == "unreachable"
    longer = post.state.seconds
    assert longer == 20.0
    clock.time += longer
    assert await ask(post) == FOUND
    assert (post.state.state, post.state.seconds) == ("ready", 0.0)


async def test_who_was_asked_too_often_is_left_in_peace_as_long_as_it_wants() -> None:
    """Its own word counts, else a minute; the first such answer is enough."""
    for wanted, rest in ((7.0, 7.0), (None, REST_SECONDS), (0.0, 0.0)):
        clock = ManualClock()
        provider = ScriptedProvider(otherwise=FOUND, failures=[ProviderFailed("rate_limited", "Too often.", wanted)])
        post = Post(provider, clock=clock)
        assert (await refused(post)).code == "rate_limited"
        assert post.state.seconds == rest
        if rest:
            assert (await refused(post)).code == "cooling_down"
        clock.time += rest
        assert await ask(post) == FOUND
        assert len(provider.asked) == 2


async def test_who_waits_for_a_place_learns_of_a_rest_that_began_meanwhile() -> None:
    """The one before was told to leave it in peace, so the next does not ask after all."""
    clock = ManualClock()
    provider = ScriptedProvider(failures=[ProviderFailed("rate_limited", "Too often.", 100.0)])
    post = Post(provider, 1.0, clock)
    codes: list[str] = []

    async def one() -> None:
        codes.append((await refused(post)).code)

    async with anyio.create_task_group() as group:
        group.start_soon(one)
        group.start_soon(one)
    assert sorted(codes) == ["cooling_down", "rate_limited"]
    assert len(provider.asked) == 1


async def test_what_is_wrong_with_one_request_brings_no_rest() -> None:
    """A provider that answers 400 is there."""
    post = Post(ScriptedProvider(failures=[ProviderFailed("http_400", "It answered 400.") for _ in range(9)]))
    assert {(await refused(post)).code for _ in range(9)} == {"http_400"}


async def test_a_provider_that_hangs_is_given_up_in_time() -> None:
    """The limit is the searcher's, whatever limits the provider has itself."""
    post = Post(ScriptedProvider(hangs=True))
    assert (await refused(post, seconds=0.05)).code == "timeout"
    assert post.state.state == "unreachable"


async def test_a_search_that_is_given_up_counts_for_nothing() -> None:
    """A task that is stopped says nothing on the provider."""
    provider = ScriptedProvider(otherwise=FOUND, hangs=True)
    post = Post(provider)
    for _ in range(FAILURES_TO_REST + 1):
        with anyio.move_on_after(0.01):
            await post.ask("kettle", language="en", limit=5, seconds=20.0)
    provider.hangs = False
    assert await ask(post) == FOUND


async def test_the_state_is_told_in_both_languages(caplog: pytest.LogCaptureFixture) -> None:
    """With the last reason, and for how long it rests; the log names provider and code."""
    clock = ManualClock()
    post = Post(ScriptedProvider(failures=[down(), ProviderFailed("rate_limited", "Too often.", 30.0)]), clock=clock)
    assert described(post.state) == {"en": "Ready.", "zh": "可用。"}
    with caplog.at_level(logging.INFO, logger="server"):
        await refused(post)
    assert "the search provider scripted failed (unreachable)" in caplog.text
    assert described(post.state)["en"] == "Gave nothing the last time. No connection to it could be made."
    assert described(post.state)["zh"] == "上次未能取得结果。无法连接服务器。"
    await refused(post)
    as_json = told(post.state)
    assert (as_json["state"], as_json["seconds"], as_json["code"]) == ("cooling", 30.0, "rate_limited")
    assert as_json["detail"] == {
        "en": "Left in peace for another 30 s. Too often.",
        "zh": "暂停，30 秒后再试。请求过于频繁，要求稍后再试。",
    }
