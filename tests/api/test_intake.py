"""Large bodies: nobody is waited for without end, and not too many are taken at once."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import anyio
import pytest
from starlette.requests import Request

from server.api.intake import Intake
from server.errors import BodyTooSlow, InvalidRequest, QueueFull, StoreFull

Message = dict[str, Any]
SHORT = 0.05


def piece(content: bytes, more: bool = True) -> Message:
    return {"type": "http.request", "body": content, "more_body": more}


def request(messages: Sequence[Message]) -> tuple[Request, list[Message]]:
    """A request whose sender sends these and then nothing more; and what of them nobody has taken."""
    waiting = list(messages)

    async def receive() -> Message:
        if not waiting:
            await anyio.sleep_forever()
        return waiting.pop(0)

    receiving: Callable[[], Awaitable[Any]] = receive
    return Request({"type": "http", "method": "POST", "headers": []}, receiving), waiting


async def taken(intake: Intake, messages: Sequence[Message]) -> bytes:
    sender, _ = request(messages)
    async with intake.body(sender) as body:
        return b"".join([each async for each in body.pieces()])


async def refusing(intake: Intake, sender: Request) -> None:
    async with intake.body(sender) as body:
        async for _ in body.pieces():
            raise StoreFull


async def test_a_body_is_taken_piece_by_piece() -> None:
    """The empty ones are no pieces."""
    sender, _ = request([piece(b"a"), piece(b""), piece(b"b"), piece(b"", more=False)])
    async with Intake().body(sender) as body:
        assert [each async for each in body.pieces()] == [b"a", b"b"]


async def test_a_silent_sender_is_given_up() -> None:
    """In the middle as at the beginning."""
    for sent in ([], [piece(b"a")]):
        with anyio.fail_after(5), pytest.raises(BodyTooSlow, match="send it again"):
            await taken(Intake(patience_seconds=SHORT), sent)


async def test_a_sender_that_has_gone_is_noticed() -> None:
    """Half of a body is none."""
    with pytest.raises(InvalidRequest, match="broke off"):
        await taken(Intake(), [piece(b"a"), {"type": "http.disconnect"}])


async def test_the_rest_of_a_body_that_is_refused_is_taken_before_the_answer() -> None:
    """A client that is still sending reads none."""
    sender, waiting = request([piece(b"a"), piece(b"b"), piece(b"c", more=False), piece(b"of the next request")])
    with pytest.raises(StoreFull):
        await refusing(Intake(), sender)
    assert len(waiting) == 1


async def test_a_silent_sender_is_not_waited_for_before_it_is_refused() -> None:
    """Nor one that has gone."""
    for sent in ([piece(b"a")], [piece(b"a"), {"type": "http.disconnect"}]):
        sender, _ = request(sent)
        with anyio.fail_after(5), pytest.raises(StoreFull):
            await refusing(Intake(patience_seconds=SHORT), sender)


async def test_who_comes_when_too_many_are_sending_waits_for_its_turn() -> None:
    """And is told when none comes."""
    intake = Intake(most_at_once=1, patience_seconds=SHORT)
    first, second = request([])[0], request([])[0]
    with anyio.fail_after(5):
        async with intake.body(first):
            with pytest.raises(QueueFull) as refused:
                async with intake.body(second):
                    pytest.fail("two at once")
            assert refused.value.retry_after
        assert await taken(intake, [piece(b"a", more=False)]) == b"a"


async def test_a_turn_is_given_on_however_it_ends() -> None:
    """A body that fails, one that is cancelled."""
    intake = Intake(most_at_once=1)
    with anyio.fail_after(5):
        for _ in range(3):
            with pytest.raises(InvalidRequest):
                await taken(intake, [{"type": "http.disconnect"}])
            with anyio.move_on_after(SHORT):
                await taken(intake, [])
        assert await taken(intake, [piece(b"a", more=False)]) == b"a"
