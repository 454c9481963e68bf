"""Readers that no coroutine serves get what the others get: nothing missing, nothing twice, nothing after the end."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import anyio
import pytest

from server.errors import StoreFailed
from server.models import Life, Record
from server.settings import Settings
from server.stores.base import LogReader
from server.stores.files import FileStore
from server.stores.memory import MemoryStore
from server.streaming.hub import RING_BYTES
from tests.making import life_folder, output, outputs
from tests.streaming.benches import Bench, done
from tests.streaming.lines import HeldLine

QUICK = Settings(stream_ping_seconds=0.05, stream_send_timeout_seconds=0.2)


class Late(MemoryStore):
    """What is read of it is of before ``meanwhile``, which happens once."""

    meanwhile: Callable[[], Awaitable[None]] | None = None

    def reader(self, life: Life, after: int = 0) -> LogReader:  # type: ignore[override]  # any reader will do
        return _LateReader(self, super().reader(life, after))


class _LateReader:
    def __init__(self, store: Late, reader: LogReader) -> None:
        self._store, self._reader = store, reader

    @property
    def undecided(self) -> bool:
        return self._reader.undecided

    @property
    def complete(self) -> bool:
        return self._reader.complete

    async def read(self, durable_to: int | None = None) -> list[Record]:
        found = await self._reader.read(durable_to)
        meanwhile, self._store.meanwhile = self._store.meanwhile, None
        if meanwhile is not None:
            await meanwhile()
        return found

    async def close(self) -> None:
        await self._reader.close()


async def test_a_reader_is_taken_in_with_all_there_is_and_gets_what_comes() -> None:
    """One gapless sequence."""
    bench = Bench()
    async with bench.running():
        await bench.own(*outputs(1, 3))
        line = await bench.listen(after=1)
        assert line.seqs == [2, 3]
        await bench.own(*outputs(4, 5))
        await line.until(5)
        assert line.seqs == [2, 3, 4, 5]
        assert bench.hub.readers == 1


async def test_readers_at_the_same_place_share_the_bytes_of_an_event() -> None:
    """They are made once."""
    bench = Bench()
    async with bench.running():
        await bench.own(output(1))
        one, other = await bench.listen(), await bench.listen()
        await bench.own(output(2))
        await one.until(2)
        await other.until(2)
        assert one.pieces[-1] is other.pieces[-1]


async def test_a_line_that_takes_no_more_is_spared_and_then_gets_all_it_missed() -> None:
    """Also when the ring does not reach back so far by then."""
    bench = Bench()
    total = 5 * RING_BYTES // 10_000
    async with bench.running():
        await bench.own(output(1))
        slow, fast = await bench.listen(), await bench.listen()
        slow.paused = True
        for seq in range(2, total):
            await bench.own(output(seq, "x" * 10_000))
        await fast.until(total - 1)
        assert slow.seqs == [1]
        slow.take_again()
        await slow.until(total - 1)
        await bench.own(output(total))
        await slow.until(total)
        assert slow.seqs == fast.seqs == list(range(1, total + 1))


async def test_a_line_that_pauses_after_every_piece_gets_everything_in_order() -> None:
    """From the store, from the ring, and past the end of a batch."""

    class Narrow(HeldLine):
        def write(self, piece: bytes) -> None:
            super().write(piece)
            self.paused = True

    bench = Bench()
    async with bench.running():
        await bench.own(*outputs(1, 1200))
        bench.hub.leave(bench.task)
        line = await bench.listen(line=Narrow())
        for seq in range(1201, 1260):
            line.take_again()
            await bench.own(output(seq))
        await bench.own(done(1260))
        while not line.finished:
            line.take_again()
            await anyio.lowlevel.checkpoint()
        assert line.seqs == list(range(1, 1261))


async def test_the_answer_ends_with_done_and_is_let_go() -> None:
    """A finished task's as well as one's that ends while somebody listens."""
    bench = Bench()
    async with bench.running():
        await bench.own(output(1))
        line = await bench.listen()
        await bench.own(done(2))
        await line.over.wait()
        late = await bench.listen()
        bench.hub.leave(bench.task)
        later = await bench.listen()
        for each in (line, late, later):
            assert each.finished
            assert each.seqs == [1, 2]
            assert b"retry" not in each.body
        assert bench.hub.readers == 0


async def test_a_done_that_a_retry_has_followed_does_not_end_a_reader_that_comes_to_it_late() -> None:
    """Though others have got it as the end, in the same bytes."""
    bench = Bench()
    async with bench.running():
        await bench.own(output(1))
        first, late = await bench.listen(), await bench.listen()
        late.paused = True
        await bench.own(done(2))
        await first.over.wait()
        await bench.own(output(3))
        late.take_again()
        await bench.own(done(4))
        await late.over.wait()
        assert first.seqs == [1, 2]
        assert late.seqs == [1, 2, 3, 4]
        assert late.body.count(b"event: done\n") == late.body.count(b"event: status\n") == 1


async def test_what_is_published_while_the_store_is_read_is_not_missed() -> None:
    """The store had nothing, and its answer is late."""

    store = Late()
    bench = Bench(store)
    async with bench.running():
        bench.hub.enter(bench.task)
        store.meanwhile = lambda: bench.own(output(1), done(2))
        line = await bench.listen()
        await line.over.wait()
        assert line.seqs == [1, 2]


async def test_closing_says_goodbye_also_to_a_line_that_takes_no_more() -> None:
    """It is told to come again."""
    bench = Bench()
    async with bench.running():
        await bench.own(output(1))
        waiting, stuck = await bench.listen(), await bench.listen()
        stuck.paused = True
        await bench.own(output(2))
        await waiting.until(2)
        bench.hub.close()
        for line in (waiting, stuck):
            await line.over.wait()
            assert line.finished
            assert line.body.endswith(b"retry: 2000\n")
        assert waiting.seqs == [1, 2]
        assert stuck.seqs == [1]
        assert bench.hub.readers == 0


async def test_a_reader_that_leaves_is_let_go_at_once() -> None:
    """While it waits, and while the store is read for it."""
    store = Late()
    bench = Bench(store)
    async with bench.running():
        await bench.own(output(1))
        line = await bench.listen()
        line.hang_up()
        await anyio.wait_all_tasks_blocked()
        assert bench.hub.readers == 0
        await bench.own(output(2))
        assert line.seqs == [1]

        line = HeldLine()

        async def hang_up() -> None:
            line.hang_up()

        bench.hub.leave(bench.task)
        store.meanwhile = hang_up
        await bench.listen(line=line)
        assert bench.hub.readers == 0
        assert line.seqs == []


async def test_a_silent_line_is_kept_alive_and_one_that_takes_nothing_is_dropped() -> None:
    """A slow one that takes a little now and then is not."""
    bench = Bench(settings=QUICK)
    async with bench.running():
        await bench.own(output(1))
        silent, stuck, slow = await bench.listen(), await bench.listen(), await bench.listen()
        stuck.paused = slow.paused = True
        stuck.waiting_bytes = slow.waiting_bytes = 100_000
        while not stuck.over.is_set():
            slow.waiting_bytes -= 1
            await anyio.sleep(0.01)
        assert stuck.aborted
        assert not slow.aborted
        assert silent.body.count(b": ping\n") >= 2
        assert b": ping" not in stuck.body + slow.body
        await anyio.wait_all_tasks_blocked()  # the loss of a line is heeded by a task
        assert bench.hub.readers == 2


async def test_another_owner_takes_over_and_listeners_notice_nothing() -> None:
    """Its log is followed from then on."""
    bench = Bench()
    async with bench.running():
        await bench.own(output(1))
        line = await bench.listen()
        bench.hub.leave(bench.task)
        successor = await bench.store.claim(bench.task, 2, "n2")
        assert successor is not None
        await successor.append([output(2)])
        await line.until(2)
        await successor.append([done(3)])
        await line.over.wait()
        assert line.seqs == [1, 2, 3]
        assert line.finished


async def test_damage_is_told_to_the_reader_and_ends_its_answer(tmp_path: Path) -> None:
    """As a failure, with what could be read before it."""
    bench = Bench(FileStore(tmp_path))
    async with bench.running():
        await bench.writer.append(outputs(1, 3))
        segment = next(life_folder(tmp_path).glob("*.jsonl"))
        lines = segment.read_bytes().splitlines(keepends=True)
        segment.write_bytes(lines[0] + lines[1].replace(b"text", b"TEXT") + lines[2])
        line = await bench.listen()
        await line.over.wait()
        assert line.seqs == [1]
        assert line.body.count(b"event: failure\n") == line.body.count(b"event: done\n") == 1
        assert line.finished
        assert bench.damages == 1


async def test_a_reader_of_a_store_that_fails_is_told_to_come_again() -> None:
    """And no other reader is harmed."""

    class Failing(MemoryStore):
        fails = False

        def reader(self, life: Life, after: int = 0) -> LogReader:  # type: ignore[override]  # any reader will do
            if self.fails:
                raise StoreFailed("The volume is away.")
            return super().reader(life, after)

    store = Failing()
    bench = Bench(store)
    async with bench.running():
        await bench.own(output(1))
        line = await bench.listen()
        store.fails = True
        failed = await bench.listen(after=7)
        assert failed.finished
        assert failed.body == b"retry: 2000\n"
        await bench.own(output(2))
        await line.until(2)
        assert bench.hub.readers == 1


async def test_a_line_that_breaks_in_the_middle_harms_nobody_else(caplog: pytest.LogCaptureFixture) -> None:
    """It is dropped, and that is logged."""

    class Broken(HeldLine):
        def write(self, piece: bytes) -> None:
            if self.pieces:
                raise RuntimeError("broken")
            super().write(piece)

    bench = Bench()
    async with bench.running():
        await bench.own(output(1))
        broken, line = await bench.listen(line=Broken()), await bench.listen()
        await bench.own(output(2))
        await line.until(2)
        assert broken.aborted
        assert bench.hub.readers == 1
    assert "a reader was dropped" in caplog.text


async def test_an_answer_that_can_not_be_detached_is_left_alone() -> None:
    """Also where the server has no such extension."""
    bench = Bench()
    async with bench.running():
        await bench.own(output(1))
        assert not await bench.audience.take_in({}, bench.source())
        assert bench.hub.readers == 0
