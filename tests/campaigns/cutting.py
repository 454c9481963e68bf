"""Cuts the power of real file systems under nodes at work. A program of its own, with mounts of its own.

``python -m tests.campaigns.cutting KIND CUTS SEED WEAKENED FOLDER`` prints one JSON object: `done`, `lost`, `notes`.

For each cut it forks a process that looks for all that was promised before, lets every task go on and then works, with
several operations at once, telling this process what it promises, until the file system is shut down under it.
"""

import json
import os
import pickle
import select
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import BinaryIO

import anyio

from server.stores.disk import Disk
from server.stores.files import FileStore
from tests.campaigns.chance import dice
from tests.campaigns.mounts import LoopVolume, cut_power
from tests.campaigns.outages import look_after
from tests.campaigns.promises import (
    STUCK,
    UNTYPED,
    Asked,
    Claimed,
    Kept,
    Ledger,
    Loss,
    Made,
    Note,
    Removed,
    Seen,
)
from tests.campaigns.relayed import ForgetfulDisk
from tests.campaigns.work import Work

NODES = 3
HANDS = 4
"""Operations at once."""
LONGEST_SPELL_SECONDS = 0.25
CUTS_PER_VOLUME = 100
PATIENCE_SECONDS = 60.0
WORKING = "working"
PROMISES = (Made, Seen, Claimed, Asked, Kept, Removed)


def main(kind: str, cuts: str, seed: str, weakened: str, folder: str) -> None:
    cutter = Cutter(kind, Path(folder), dice(int(seed), kind), weakened == "True")
    for done in range(int(cuts)):
        if done % CUTS_PER_VOLUME == 0 or cutter.losses:
            cutter.new_volume()
        cutter.one_cut()
    cutter.end()
    print(json.dumps({"done": cutter.done, "losses": [[loss.kind, loss.told] for loss in cutter.all_losses]}))  # noqa: T201


class Cutter:
    """One volume after the other, and what was promised on it."""

    def __init__(self, kind: str, folder: Path, random: Random, weakened: bool) -> None:
        self._kind, self._folder, self._random, self._weakened = kind, folder, random, weakened
        self._volume: LoopVolume | None = None
        self.done: Counter[str] = Counter()
        self.losses: list[Loss] = []
        self.all_losses: list[Loss] = []

    def new_volume(self) -> None:
        self.end()
        self._ledger, self.losses = Ledger(), []
        self._volume = LoopVolume(self._kind, self._folder / f"{self._kind}.img", self._folder / self._kind)

    def end(self) -> None:
        """Look for the last time, and take the volume away."""
        if self._volume is not None:
            if not self.losses:
                self._life(spell_seconds=0.0)
            self._volume.unmount()
            self._volume = None

    def one_cut(self) -> None:
        self._life(self._random.uniform(0, LONGEST_SPELL_SECONDS))
        self.done[f"{self._kind} cuts"] += 1
        assert self._volume is not None
        self._volume.unmount()
        self._volume.mount()

    def _life(self, spell_seconds: float) -> None:
        """From power on to power off."""
        assert self._volume is not None
        power = self._volume.handle()
        reading, writing = os.pipe()
        seed = self._random.getrandbits(64)
        pid = os.fork()
        if pid == 0:
            os.close(reading)
            os.close(power)
            _be_the_nodes(writing, self._volume.folder / "tasks", self._ledger, seed, self._weakened)
        os.close(writing)
        with os.fdopen(reading, "rb") as told:
            told_so_far = _Messages(told)
            try:
                for message in told_so_far.until(PATIENCE_SECONDS):
                    self._take(message)
                    if message == WORKING:
                        break
                else:
                    self._take(Loss(STUCK, "the nodes did not begin to work"))
                for message in told_so_far.until(spell_seconds):
                    self._take(message)
            finally:
                cut_at = time.monotonic()
                if spell_seconds:
                    cut_power(power)
                os.close(power)
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
            # What it said before the cut was true. A file system that was shut down may call durable what it has just
            # given up, such as the names in a folder of XFS: after a cut of the power nobody is there to be told so.
            for message in told_so_far.until(PATIENCE_SECONDS, said_before=cut_at):
                self._take(message)
        found, self._ledger.losses = self._ledger.losses, []
        self.losses += found
        self.all_losses += found

    def _take(self, message: Note | Loss | str) -> None:
        if isinstance(message, Loss):
            self.losses.append(message)
            self.all_losses.append(message)
        elif not isinstance(message, str):
            self._ledger.note(message)
            self.done[f"{self._kind} promises"] += 1


class _Messages:
    """What comes through the pipe, whole messages only."""

    def __init__(self, pipe: BinaryIO) -> None:
        self._pipe, self._buffer = pipe, b""

    def until(self, seconds: float, said_before: float = float("inf")) -> Iterator[Note | Loss | str]:
        """What comes within so many seconds, or before the pipe's end.

        Of what was said later than ``said_before`` only what is no promise.
        """
        limit = time.monotonic() + seconds
        while True:
            while len(self._buffer) >= 4 and len(self._buffer) >= 4 + (size := int.from_bytes(self._buffer[:4])):
                message, self._buffer = self._buffer[4 : 4 + size], self._buffer[4 + size :]
                said_at, said = pickle.loads(message)  # noqa: S301 - from this process's own child
                if said_at < said_before or not isinstance(said, PROMISES):
                    yield said
            left = limit - time.monotonic()
            if left <= 0 or not select.select([self._pipe], [], [], left)[0]:
                return
            piece = os.read(self._pipe.fileno(), 1 << 20)
            if not piece:
                return
            self._buffer += piece


def _be_the_nodes(pipe: int, folder: Path, ledger: Ledger, seed: int, weakened: bool) -> None:
    """Never returns."""

    def tell(message: Note | Loss | str) -> None:
        content = pickle.dumps((time.monotonic(), message))
        content = len(content).to_bytes(4) + content
        while content:
            content = content[os.write(pipe, content) :]

    try:
        anyio.run(_look_and_work, tell, folder, ledger, seed, weakened)
    except BaseException as error:  # noqa: BLE001 - the end of a process that only tells
        tell(Loss(UNTYPED, repr(error)))
    finally:
        os._exit(1)


async def _look_and_work(
    tell: Callable[[Note | Loss | str], None], folder: Path, ledger: Ledger, seed: int, weakened: bool
) -> None:
    def note(each: Note) -> None:
        ledger.note(each)
        tell(each)

    losses = await look_after(Disk(), folder, ledger, note)
    for loss in losses:
        tell(loss)
    seats = [FileStore(folder, ForgetfulDisk(Disk()) if weakened else Disk()) for _ in range(NODES)]
    for seat in seats:
        await seat.open()
    random = dice(seed, "work")
    work = Work(seats, random, tell)
    await work.find([promise.life for promise in ledger.promises.values()])
    tell(WORKING)

    async def hand() -> None:
        while True:
            await work.one(random.randrange(NODES))
            await anyio.lowlevel.checkpoint()

    async with anyio.create_task_group() as tg:
        for _ in range(HANDS):
            tg.start_soon(hand)


if __name__ == "__main__":
    main(*sys.argv[1:])
