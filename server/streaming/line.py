"""A line: an open answer that its server has handed over, with nobody awaiting anything for it.

A server offers it as an extension in the ASGI scope. When the answer's head has been sent, the application may ask
for the line and return; from then on the answer is what is written to the line.
"""

from collections.abc import Callable
from typing import Protocol, cast

from starlette.types import Scope

DETACH_EXTENSION = "holdfast.detach"
"""In the ASGI scope's extensions: a `Detach`."""


class OnLine(Protocol):
    """Who has a line is told what becomes of it, by the event loop and not from within a call to the line."""

    def resumed(self) -> None:
        """The line takes more again."""

    def lost(self) -> None:
        """The connection has gone, and the line with it."""


class Line(Protocol):
    """The body of a chunked answer that goes on. What is written is sent in order, and no call waits."""

    @property
    def paused(self) -> bool:
        """Whether so much waits to be taken that nothing should be written now."""

    @property
    def waiting_bytes(self) -> int:
        """What was written and the system has not taken yet."""

    def write(self, piece: bytes) -> None:
        """Send a piece of the body, as `chunk` has made it."""

    def finish(self) -> None:
        """End the answer. The line is the connection's again and no longer to be used."""

    def abort(self) -> None:
        """Drop the connection with all that waits to be sent on it; its end is told by `OnLine.lost`."""


Detach = Callable[[OnLine], Line | None]
"""Hands the answer over, of which the head must have been sent; None when that can't be done with this one."""


def detach(scope: Scope, on_line: OnLine) -> Line | None:
    """The line of the answer that is being given, where the server offers that."""
    offered = cast("Detach | None", scope.get("extensions", {}).get(DETACH_EXTENSION))
    return offered(on_line) if offered is not None else None


def chunk(body: bytes) -> bytes:
    """A piece of a body as it stands in a chunked one (RFC 9112, 7.1); nothing for nothing, which would be its end."""
    return b"%x\r\n%b\r\n" % (len(body), body) if body else b""
