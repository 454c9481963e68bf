"""A reader that no coroutine serves: its place in a task's log, and the line that it listens on."""

from typing import Protocol

from server.streaming.line import Line, chunk
from server.streaming.source import TaskSource
from server.streaming.turn import Turn

NOT_LOOKED = -1


class Attendant(Protocol):
    """Who looks after listeners."""

    def attend(self, listener: "Listener") -> None:
        """The listener's line has changed: it takes more again, or has gone."""


class Listener:
    """Each call does what can be done at once and returns; what must be waited for is its attendant's.

    ``reading``: somebody reads the store for it, and nobody else may move its cursor. ``gone``: it is to be let go of.
    """

    __slots__ = ("_attendant", "_sent_at", "_stuck_bytes", "_stuck_since", "gone", "line", "reading", "source")

    line: Line

    def __init__(self, attendant: Attendant, source: TaskSource, now: float) -> None:
        self._attendant, self.source = attendant, source
        self.reading = self.gone = False
        self._sent_at = self._stuck_since = now
        self._stuck_bytes = NOT_LOOKED

    def heed(self, now: float) -> bool:
        """Send what there is for it. Returns whether it goes on only when somebody reads the store."""
        while not self.gone:
            turn = self.source.turn
            if self.line.paused and turn is not Turn.LEAVE:
                return False
            match turn:
                case Turn.TAKE:
                    self._sent_at = now
                    self.line.write(self.source.take())
                case Turn.REST:
                    return False
                case Turn.READ:
                    return True
                case Turn.LEAVE:
                    self.dismiss()
                case Turn.END:
                    self._finish()
        return False

    def write(self, body: bytes, now: float) -> None:
        """Send whole events, if its line is still there."""
        if body and not self.gone:
            self._sent_at = now
            self.line.write(chunk(body))

    def dismiss(self) -> None:
        """Tell it to come again, and end its answer."""
        if not self.gone:
            self.line.write(chunk(self.source.wire.goodbye()))
            self._finish()

    def look_after(self, now: float, ping_seconds: float, send_timeout_seconds: float) -> None:
        """Keep a silent line alive, and drop one whose reader takes nothing."""
        if not self.line.paused:
            if now - self._sent_at >= ping_seconds:
                self.write(self.source.heartbeat(), now)
        elif (waiting := self.line.waiting_bytes) != self._stuck_bytes:
            self._stuck_bytes, self._stuck_since = waiting, now
        elif now - self._stuck_since >= send_timeout_seconds:
            self.line.abort()

    def resumed(self) -> None:
        self._stuck_bytes = NOT_LOOKED
        self._attendant.attend(self)

    def lost(self) -> None:
        self.gone = True
        self._attendant.attend(self)

    def _finish(self) -> None:
        self.gone = True
        self.line.finish()
