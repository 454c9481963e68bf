"""A line that tests hold in their hands."""

import anyio

from server.streaming.line import OnLine
from server.streaming.sse import parse_event_id


class HeldLine:
    """A `server.streaming.line.Line` that keeps what is written; ``over`` at the end of answer or connection."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.waiting_bytes = 0
        self.paused = self.finished = self.aborted = False
        self.over = anyio.Event()
        self.on_line: OnLine
        self._written = anyio.Event()

    def detach(self, on_line: OnLine) -> "HeldLine":
        self.on_line = on_line
        return self

    def write(self, piece: bytes) -> None:
        assert not self.finished, "written after the end"
        self.pieces.append(piece)
        written, self._written = self._written, anyio.Event()
        written.set()

    def finish(self) -> None:
        self.finished = True
        self.over.set()

    def abort(self) -> None:
        self.aborted = True
        self.hang_up()

    def hang_up(self) -> None:
        self.over.set()
        self.on_line.lost()

    def take_again(self) -> None:
        self.paused = False
        self.on_line.resumed()

    @property
    def body(self) -> bytes:
        """What was written, out of its chunks."""
        bodies = []
        for piece in self.pieces:
            size, _, rest = piece.partition(b"\r\n")
            assert rest.endswith(b"\r\n")
            assert len(rest) == int(size, 16) + 2
            bodies.append(rest[:-2])
        return b"".join(bodies)

    @property
    def seqs(self) -> list[int]:
        """Of the events that were written."""
        ids = [line[4:].decode() for line in self.body.split(b"\n") if line.startswith(b"id: ")]
        return [parsed[1] for each in ids if (parsed := parse_event_id(each)) is not None]

    async def until(self, seq: int) -> None:
        """Return when the event has been written."""
        while seq not in self.seqs:
            await self._written.wait()
