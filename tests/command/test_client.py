"""The client against scripted servers on real sockets: what it asks for, and that nothing is lost or doubled."""

from collections.abc import AsyncIterator, Callable, Iterator

import anyio
import orjson
import pytest

from server.command.client import (
    BadAddress,
    Found,
    Lost,
    Notice,
    Refused,
    Unreachable,
    ask,
    check_server,
    follow,
    list_tasks,
)
from server.command.sse_parser import Event
from tests.scripted import TASK_ID, Request, answer, cut, event, free_port, scripted, stream, task_event

pytestmark = pytest.mark.anyio
REQUEST = {"kind": "research", "params": {"query": "why"}}
OUTPUTS = [event(seq, "output", f'{{"part":"r","text":"{seq} 中\\n"}}') for seq in range(1, 4)]
DONE = event(4, "done", '{"status":"completed"}')
WHOLE = [*OUTPUTS, DONE]
IDS = [f"aaaaaa-{seq:012d}" for seq in range(1, 5)]


async def gathered(events: AsyncIterator[Event]) -> list[Event]:
    with anyio.fail_after(20):
        return [e async for e in events]


def ids(events: list[Event]) -> list[str]:
    return [e.id for e in events if e.id is not None]


async def test_ask_posts_the_request_and_gives_all_events_to_done() -> None:
    """One POST with the request as JSON; the events come in order, the `task` event first."""
    async with scripted([stream(task_event(), *WHOLE)]) as server:
        events = await gathered(ask(server.url, REQUEST))
    assert [e.type for e in events] == ["task", "output", "output", "output", "done"]
    assert ids(events) == IDS
    (request,) = server.requests
    assert (request.method, request.path, orjson.loads(request.body)) == ("POST", "/api/stream", REQUEST)


async def test_a_cut_connection_goes_on_after_the_last_whole_event() -> None:
    """The second connection asks for the task's events with the id of the last event that came whole."""
    async with scripted([cut(task_event(), OUTPUTS[0], OUTPUTS[1][:-1]), stream(task_event(), *WHOLE[1:])]) as server:
        events = await gathered(ask(server.url, REQUEST))
    assert ids(events) == IDS
    again = server.requests[1]
    assert (again.method, again.path) == ("GET", f"/api/tasks/{TASK_ID}/events")
    assert again.last_event_id == IDS[0]


async def test_a_stream_cut_at_every_byte_has_no_gap_and_no_duplicate() -> None:
    """Each connection breaks off one byte later than the one before; one call lives through all of them."""
    preamble = task_event(0)
    lengths: Iterator[int] = iter(())

    def a_byte_more(request: Request) -> bytes:
        nonlocal lengths
        known = IDS.index(request.last_event_id) + 1 if request.last_event_id else 0
        rest = b"".join([preamble, *WHOLE[known:]])
        if (length := next(lengths, None)) is None:
            lengths = iter(range(1, len(preamble) + len(WHOLE[known]) + 1))
            return cut(preamble)
        return cut(rest[:length])

    async with scripted([a_byte_more]) as server:
        events = await gathered(ask(server.url, REQUEST))
    assert ids(events) == IDS
    assert [e.data for e in events if e.type == "output"] == [f'{{"part":"r","text":"{n} 中\\n"}}' for n in (1, 2, 3)]
    assert len(server.requests) > sum(map(len, WHOLE))


async def test_a_server_that_closes_in_good_order_before_done_is_asked_again() -> None:
    """A node that shuts down ends its streams; the rest comes from the next one."""
    async with scripted([stream(task_event(), OUTPUTS[0]), stream(task_event(), *WHOLE[1:])]) as server:
        assert ids(await gathered(ask(server.url, REQUEST))) == IDS


async def test_after_204_there_is_nothing_more() -> None:
    """A reconnect to a stream that was read to its end is over at once."""
    async with scripted([cut(task_event(), *OUTPUTS), answer("204 No Content")]) as server:
        assert ids(await gathered(ask(server.url, REQUEST))) == IDS[:3]


async def test_follow_starts_after_a_given_id() -> None:
    """Whoever kept the id of an event gets only what follows it."""
    async with scripted([stream(task_event(), DONE)]) as server:
        events = await gathered(follow(server.url, TASK_ID, after=IDS[2]))
    assert server.requests[0].last_event_id == IDS[2]
    assert ids(events) == IDS[3:]


async def test_a_reset_takes_the_ids_of_the_new_stream() -> None:
    """After `reset` the server starts over, and a further cut resumes in the new generation."""
    new = [event(seq, "output", "{}", "bbbbbb") for seq in (1, 2)]
    script = [
        cut(task_event(), OUTPUTS[0]),
        cut(task_event(), b'event: reset\ndata: {"reason":"foreign"}\n\n', new[0]),
        stream(task_event(), new[1], event(3, "done", '{"status":"completed"}', "bbbbbb")),
    ]
    async with scripted(script) as server:
        events = await gathered(ask(server.url, REQUEST))
    assert [e.type for e in events] == ["task", "output", "task", "reset", "output", "task", "output", "done"]
    assert server.requests[2].last_event_id == "bbbbbb-000000000001"


async def test_a_restart_of_the_server_is_waited_for() -> None:
    """While nothing listens the client tries again, says so, and says when it is back."""
    port, notices = free_port(), list[Notice]()
    lost, ended, resumed = anyio.Event(), anyio.Event(), list[Event]()

    def notify(notice: Notice) -> None:
        notices.append(notice)
        if isinstance(notice, Lost) and "nothing answers" in str(notice.why):
            lost.set()

    async def client(url: str) -> None:
        resumed.extend(await gathered(ask(url, REQUEST, notify=notify)))
        ended.set()

    async with anyio.create_task_group() as tg:
        async with scripted([cut(task_event(20), OUTPUTS[0])], port) as first:
            tg.start_soon(client, first.url)
            await first.asked.wait()
        with anyio.fail_after(10):
            await lost.wait()
        async with scripted([stream(task_event(), *WHOLE[1:])], port):
            with anyio.fail_after(10):
                await ended.wait()
    assert ids(resumed) == IDS
    assert isinstance(notices[0], Lost)
    assert isinstance(notices[-1], Found)


async def test_the_waits_grow_and_start_at_what_the_server_says() -> None:
    """`retry:` is the shortest wait, each further one is longer, and jitter spreads them."""
    waits: list[float] = []

    def notify(notice: Notice) -> None:
        if isinstance(notice, Lost):
            waits.append(notice.retry_in)

    busy = answer("503 Service Unavailable", b'{"code":"shutting_down","detail":"later"}')
    async with scripted([cut(task_event(8), OUTPUTS[0]), busy, busy, stream(task_event(), *WHOLE[1:])]) as server:
        assert ids(await gathered(ask(server.url, REQUEST, notify=notify))) == IDS
    for wait, least in zip(waits, (0.008, 0.016, 0.032), strict=True):
        assert least <= wait <= least * 1.25


async def test_patience_ends() -> None:
    """A server that stays away for longer than the client is patient is an error in one sentence."""
    async with scripted([cut(task_event(1), OUTPUTS[0])]) as server:
        url = server.url
        events = ask(url, REQUEST, patience=0.2)
        first = [await anext(events), await anext(events)]
    assert ids(first) == IDS[:1]
    with pytest.raises(Unreachable, match="nothing answers at http://127"):
        await gathered(events)


async def test_a_server_that_never_answered_is_not_waited_for_long() -> None:
    """With nothing to come back to, the client does not hold its user for minutes."""
    with pytest.raises(Unreachable, match="nothing answers"):
        await gathered(ask(f"http://127.0.0.1:{free_port()}", REQUEST, patience=0.1))


async def test_a_problem_document_is_an_error_with_its_fields() -> None:
    """What the server found wrong arrives with its code, its sentence and each wrong field."""
    problem = {
        "type": "about:blank",
        "title": "Unprocessable",
        "status": 422,
        "detail": "Some parameters are wrong.",
        "code": "invalid_parameters",
        "errors": [{"path": "params.query", "code": "missing", "message": "say what to ask"}],
    }
    refusal = answer("422 Unprocessable Content", orjson.dumps(problem), "application/problem+json")
    async with scripted([refusal]) as server:
        with pytest.raises(Refused) as caught:
            await gathered(ask(server.url, REQUEST))
    assert (caught.value.status, caught.value.code) == (422, "invalid_parameters")
    assert caught.value.errors[0].path == "params.query"


@pytest.mark.parametrize(
    "reply",
    [
        answer("404 Not Found", b"<html>", "text/html"),
        answer("500 Internal Server Error", b"[]"),
        answer("500 Internal Server Error", b'{"code":"x","errors":5}'),
        answer("200 OK", b"<html>", "text/html"),
        answer("404 Not Found", b"\xff" * 200_000),
    ],
)
async def test_an_answer_that_is_not_holdfasts_is_said_to_be_so(reply: bytes) -> None:
    """Another program on that port gives a sentence, neither a traceback nor an endless retry."""
    async with scripted([reply]) as server:
        with pytest.raises(Refused, match=r"another server|is it Holdfast"):
            await gathered(ask(server.url, REQUEST))
    assert len(server.requests) == 1


async def test_a_busy_server_is_asked_again_when_it_says() -> None:
    """429 is waited out, for no less than Retry-After."""
    waits: list[float] = []

    def notify(notice: Notice) -> None:
        if isinstance(notice, Lost):
            waits.append(notice.retry_in)

    busy = answer(
        "429 Too Many Requests", b'{"code":"queue_full","detail":"full"}', "application/json", "Retry-After: 1"
    )
    async with scripted([busy, stream(task_event(), *WHOLE)]) as server:
        assert ids(await gathered(ask(server.url, REQUEST, notify=notify))) == IDS
    assert waits[0] >= 1


async def test_a_server_that_stays_busy_is_named_by_its_own_sentence() -> None:
    """When patience ends, the server's refusal is what the user reads, not that nothing answered."""
    busy = answer("429 Too Many Requests", b'{"code":"queue_full","detail":"The queue is full."}')
    async with scripted([busy]) as server:
        with pytest.raises(Refused, match="The queue is full"):
            await gathered(ask(server.url, REQUEST, patience=0.1))


async def test_tasks_are_listed_over_all_pages() -> None:
    """The cursor is followed until there is none."""

    def page(content: object) -> Callable[[Request], bytes]:
        return lambda _: answer("200 OK", orjson.dumps(content))

    script = [page({"tasks": [{"id": "1"}, {"id": "2"}], "next_cursor": "c"}), page({"tasks": [{"id": "3"}]})]
    async with scripted(script) as server:
        found = [task["id"] async for task in list_tasks(server.url, status="running")]
    assert found == ["1", "2", "3"]
    assert [r.path for r in server.requests] == ["/api/tasks?status=running", "/api/tasks?status=running&cursor=c"]


@pytest.mark.parametrize("address", ["", "localhost:8000", "ftp://x", "http://", "http://[::1", "http://a b"])
async def test_an_address_that_can_not_be_one_is_refused(address: str) -> None:
    """A typing error is told at once, not retried."""
    with pytest.raises(BadAddress):
        check_server(address)
