"""What the campaigns on whole servers look with: each fault that is put in is counted, and nothing else."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import orjson
import pytest
from anyio.abc import ByteStream, SocketAttribute

from tests.campaigns.checking import Demo, check_task
from tests.campaigns.exchange import HOST, Refused, ask
from tests.campaigns.ledger import Ledger, Loss
from tests.campaigns.nodes import cluster, free_ports
from tests.campaigns.proxy import Proxy
from tests.campaigns.readers import Event, Reader
from tests.campaigns.volume import read_volume
from tests.making import life_folder
from tests.serving import Running, serving, settings

DEMO = Demo(seed=7, events=6, rate=0, steps=3)
HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@asynccontextmanager
async def answering(*answers: bytes) -> AsyncIterator[int]:
    """A server that gives these answers one after the other and closes; its port."""
    left = list(answers)

    async def answer(stream: ByteStream) -> None:
        async with stream:
            await stream.receive()
            await stream.send(left.pop(0))

    async with (
        await anyio.create_tcp_listener(local_host=HOST) as listener,
        anyio.create_task_group() as tg,
    ):
        tg.start_soon(listener.serve, answer)
        yield listener.extra_attributes[SocketAttribute.local_port]()
        tg.cancel_scope.cancel()


def event(seq: int, kind: str = "output") -> bytes:
    return b"id: abcdef-%012d\nevent: %b\ndata: {}\n\n" % (seq, kind.encode())


def chunked(*pieces: bytes, whole: bool = True) -> bytes:
    return HEAD + b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in (*pieces, *([b""] if whole else [])))


async def follow(*answers: bytes) -> tuple[Reader, dict[str, int]]:
    """A reader of these answers, and what it counted."""
    ledger = Ledger()
    with anyio.fail_after(5):
        async with answering(*answers) as port:
            reader = Reader("/", [port], ledger, pause=0.0)
            await reader.follow()
    return reader, {kind: count for kind, count in ledger.lost.items() if count}


async def test_a_reader_goes_on_where_it_was_when_a_stream_breaks_off() -> None:
    """And what was cut off in the middle of an event is no event."""
    first = chunked(b": ping\n" + event(1), event(2), event(3)[:-9], whole=False)
    reader, lost = await follow(first, chunked(event(3) + event(4, "done")))
    assert [each.seq for each in reader.events] == [1, 2, 3, 4]
    assert (reader.connections, reader.breaks, lost) == (2, 1, {})


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([chunked(event(1), event(3, "done"))], {Loss.GAP: 1}),
        ([chunked(event(2, "done"))], {Loss.GAP: 1}),
        ([chunked(event(1)), chunked(event(1), event(2, "done"))], {Loss.DOUBLE: 1}),
        ([chunked(event(1), event(2, "done") + event(3))], {Loss.DOUBLE: 1}),
        ([chunked(event(1)), chunked(b"event: reset\ndata: {}\n\n", event(1), event(2, "done"))], {Loss.RESET: 1}),
        ([b"HTTP/1.1 503 No\r\nContent-Length: 2\r\n\r\nno", chunked(event(1, "done"))], {Loss.ERROR: 1}),
        ([b"HTTP/1.1 204 No Content\r\n\r\n"], {Loss.ERROR: 1}),
        ([chunked(event(1), b"event: failure\ndata: {}\n\n", b"event: done\ndata: {}\n\n")], {Loss.ERROR: 2}),
    ],
)
async def test_a_reader_counts_what_it_must_never_see(answers: list[bytes], expected: dict[Loss, int]) -> None:
    """Each once."""
    assert (await follow(*answers))[1] == expected


async def test_a_reader_waits_as_long_as_the_stream_asks_for() -> None:
    """Also when that is the last thing it says, without a blank line."""
    async with answering(chunked(event(1), b"retry: 20\n"), chunked(event(2, "done"))) as port:
        reader = Reader("/", [port], Ledger())
        with anyio.fail_after(2):  # it would be 3 s otherwise
            await reader.follow()
    assert reader.ended


class Whole:
    """A finished task: what a reader has, and its folder."""

    def __init__(self, reader: Reader, tasks: Path) -> None:
        self.reader, self.tasks = reader, tasks
        self.life = life_folder(tasks, reader.task["id"])

    def change(self, name: str, old: bytes, new: bytes) -> None:
        content = (self.life / name).read_bytes()
        assert old in content
        (self.life / name).write_bytes(content.replace(old, new, 1))

    def repeat(self, kind: bytes) -> None:
        """Have the first record of this type stand there twice."""
        lines = (self.life / "000001.jsonl").read_bytes().splitlines(keepends=True)
        place = next(place for place, line in enumerate(lines) if b'"type":"%b"' % kind in line)
        (self.life / "000001.jsonl").write_bytes(b"".join([*lines[: place + 1], *lines[place:]]))

    def claim(self, epoch: int) -> None:
        (self.life / f"{epoch:06d}.claim").write_bytes(b'{"node":"other"}')

    def replace(self, place: int, **data: object) -> None:
        """Other data in one of the reader's events."""
        old = self.reader.events[place]
        raw = old.raw.partition(b"\ndata: ")[0] + b"\ndata: " + orjson.dumps({**old.data, **data})
        self.reader.events[place] = Event(old.seq, old.type, raw, old.at)

    def first(self, kind: str) -> int:
        return next(place for place, event in enumerate(self.reader.events) if event.type == kind)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Running]:
    with serving(settings(tmp_path)) as running:
        yield running


async def read(server: Running) -> Reader:
    reader = Reader(DEMO.target, [server.port], Ledger(), pause=0.0)
    with anyio.fail_after(10):
        await reader.follow()
    return reader


async def test_a_whole_task_is_found_whole(server: Running, tmp_path: Path) -> None:
    """For two readers, and on the volume."""
    ledger = Ledger()
    volume = check_task(ledger, DEMO, tmp_path / "tasks", [await read(server)], await read(server))
    assert ledger.notes == []
    assert volume is not None
    assert volume.steps == ["part:0", "part:1", "part:2"]
    assert (list(volume.claims), volume.ignored_bytes, volume.handovers()) == ([1], 0, [])


FAULTS: dict[str, tuple[Callable[[Whole], object], Loss]] = {
    "an event lost": (lambda whole: whole.reader.events.pop(), Loss.UNEQUAL),
    "other bytes": (lambda whole: whole.replace(whole.first("progress"), message="else"), Loss.UNEQUAL),
    "another text": (lambda whole: whole.replace(whole.first("output"), text="else"), Loss.REPORT),
    "another status": (lambda whole: whole.replace(-2, status="failed"), Loss.END),
    "a second end": (lambda whole: whole.replace(0, status="completed"), Loss.END),
    "a step twice": (lambda whole: whole.repeat(b"step"), Loss.STEP),
    "an event twice": (lambda whole: whole.repeat(b"output"), Loss.UNEQUAL),
    "another owner": (lambda whole: whole.change("000001.claim", b'"node":"', b'"node":"x'), Loss.OWNER),
    "no seal": (lambda whole: whole.claim(2), Loss.UNEQUAL),
    "an epoch left out": (lambda whole: whole.claim(3), Loss.UNEQUAL),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_fault_in_a_task_is_counted(server: Running, tmp_path: Path, fault: str) -> None:
    """Whether it is in what readers have or on the volume."""
    harm, expected = FAULTS[fault]
    whole = Whole(await read(server), tmp_path / "tasks")
    other = await read(server)
    harm(whole)
    ledger = Ledger()
    check_task(ledger, DEMO, whole.tasks, [other], whole.reader)
    assert ledger.lost[expected] >= 1, ledger.notes


def line(seq: int | None, kind: str, at: int = 0, **data: object) -> bytes:
    numbered = {"seq": seq} if seq is not None else {}
    return orjson.dumps({**numbered, "at": at, "type": kind, "data": data}) + b"\n"


def put_epoch(life: Path, epoch: int, *lines: bytes) -> None:
    (life / f"{epoch:06d}.claim").write_bytes(orjson.dumps({"node": f"node-{epoch}"}))
    (life / f"{epoch:06d}.jsonl").write_bytes(b"".join(lines))


def test_what_owners_wrote_behind_a_seal_does_not_count(tmp_path: Path) -> None:
    """Neither events nor a seal: one that was itself sealed away has sealed nothing."""
    kept, late = line(1, "output"), line(2, "output")
    put_epoch(tmp_path, 1, kept, late, late)
    put_epoch(tmp_path, 2, line(None, "seal", epoch=1, bytes=len(kept + late)), late)
    put_epoch(
        tmp_path,
        3,
        line(None, "seal", epoch=1, bytes=len(kept)),
        line(None, "seal", epoch=2, bytes=0),
        line(2, "status", status="completed", reason="completed"),
    )
    volume = read_volume(tmp_path)
    assert [(epoch, record["seq"]) for epoch, record in volume.records if "seq" in record] == [(1, 1), (3, 2)]
    assert volume.ignored_bytes == 2 * len(late) + (tmp_path / "000002.jsonl").stat().st_size


def test_a_handover_lasts_from_the_release_to_the_next_start(tmp_path: Path) -> None:
    """In milliseconds; a start after a death is none."""
    parts = [
        line(1, "status", 1000, status="running", reason="started"),
        line(2, "status", 2000, status="pending", reason="handed_over"),
        line(3, "status", 2300, status="running", reason="continued"),
        line(4, "status", 9000, status="running", reason="continued"),
    ]
    put_epoch(tmp_path, 1, *parts)
    assert read_volume(tmp_path).handovers() == [300]


async def test_nodes_are_killed_frozen_and_ended_as_told(tmp_path: Path) -> None:
    """Each on its port, under which the next process answers; a frozen one answers when it is woken."""
    async with cluster(tmp_path, 2, heartbeat_seconds=0.2) as nodes:
        one, two = nodes.nodes
        before = one.id
        await one.kill()
        with pytest.raises(Refused):
            await ask(one.port, "/healthz")
        await one.start()
        await one.listening()
        assert one.id not in (before, None, two.id)
        two.freeze()
        with anyio.move_on_after(0.3) as scope:
            await ask(two.port, "/healthz")
        assert scope.cancelled_caught
        two.thaw()
        assert (await ask(two.port, "/healthz"))[0] == 200
        assert await two.terminate() == 0
        assert nodes.complaints() == []


async def test_the_proxy_asks_another_server_until_an_answer_has_begun(tmp_path: Path) -> None:
    """One that is down or says 503 is passed over; without retries its word stands."""
    good, bad = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ntrue", b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"
    down = free_ports(1)[0]
    for retries, expected in ((True, (200, True)), (False, (503, None))):
        async with answering(bad) as refusing, answering(good) as willing, anyio.create_task_group() as tg:
            proxy = Proxy([willing, refusing, down], retries=retries)
            await tg.start(proxy.run)
            with anyio.fail_after(5):
                assert await ask(proxy.port, "/") == expected
            tg.cancel_scope.cancel()


async def test_the_proxy_asks_each_server_though_others_come_meanwhile() -> None:
    """Whatever the order in which requests come and fail, the one server that is up answers them all."""
    good = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ntrue"
    answers: list[tuple[int, object]] = []
    few_at_once = anyio.CapacityLimiter(4)
    async with answering(*[good] * 60) as willing, anyio.create_task_group() as tg:
        proxy = Proxy([*free_ports(2), willing], retries=True)
        await tg.start(proxy.run)

        async def ask_once() -> None:
            async with few_at_once:
                answers.append(await ask(proxy.port, "/"))

        with anyio.fail_after(10):
            async with anyio.create_task_group() as clients:
                for _ in range(60):
                    clients.start_soon(ask_once)
        tg.cancel_scope.cancel()
    assert answers == [(200, True)] * 60
