"""Processes that are forked in a moment, tell what they do through a pipe, and may be killed or stopped at any call."""

import ctypes
import logging
import os
import select
import signal
import time
import traceback
from collections.abc import Callable
from enum import Enum
from typing import Any, TypeAlias

import orjson

LOOK_SECONDS = 0.001
PR_SET_PDEATHSIG = 1
LONGEST_SECONDS = 30.0

Tell: TypeAlias = Callable[..., None]
"""Says something to the parent: a few values that JSON knows, at most 4 KiB of them."""


class End(Enum):
    """How a child was found when it did nothing more."""

    EXITED = "exited"
    KILLED = "killed"
    STOPPED = "stopped"
    HUNG = "hung"


class Forked:
    """A child process. ``said`` is all that it has told; what it told is read also after its death."""

    def __init__(self, work: Callable[[Tell], None]) -> None:
        reading, writing = os.pipe()
        parent = os.getpid()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(reading)
            _be_a_child(work, writing, parent)
        os.close(writing)
        os.set_blocking(reading, False)
        self._pipe, self._rest = reading, b""
        self.said: list[list[Any]] = []

    def wait(self, meanwhile: Callable[[], object] = bool) -> End:
        """Until it has ended or stopped; ``meanwhile`` is called again and again."""
        give_up = time.monotonic() + LONGEST_SECONDS
        while (end := self.look()) is None:
            if time.monotonic() > give_up:
                self.kill()
                return End.HUNG
            meanwhile()
            select.select([self._pipe], [], [], LOOK_SECONDS)
        return end

    def look(self) -> End | None:
        """How it has ended, or that it has stopped; None while it runs. Takes what it has told by now."""
        pid, status = os.waitpid(self.pid, os.WNOHANG | os.WUNTRACED)
        self._listen()
        if not pid:
            return None
        if os.WIFSTOPPED(status):
            return End.STOPPED
        os.close(self._pipe)
        return End.EXITED if os.WIFEXITED(status) else End.KILLED

    def go_on(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        self._listen()
        os.close(self._pipe)

    def _listen(self) -> None:
        while True:
            try:
                piece = os.read(self._pipe, 65536)
            except BlockingIOError:
                return
            if not piece:
                return
            *lines, self._rest = (self._rest + piece).split(b"\n")
            self.said += [orjson.loads(line) for line in lines]


def _be_a_child(work: Callable[[Tell], None], pipe: int, parent: int) -> None:
    def tell(*values: Any) -> None:
        # With one call each, so that what is told is told whole or not at all.
        os.write(pipe, orjson.dumps(values) + b"\n")

    status = 1
    try:
        # Whatever becomes of the parent, no child is left behind.
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            return
        logging.getLogger().handlers = [_Telling(tell)]
        work(tell)
        status = 0
    except BaseException:  # noqa: BLE001 - the outermost frame of a process: the parent is told, whatever it is
        tell("broke", traceback.format_exc()[-3000:])
    finally:
        os._exit(status)


class _Telling(logging.Handler):
    """What the server logs as gone wrong, for the parent."""

    def __init__(self, tell: Tell) -> None:
        super().__init__(logging.WARNING)
        self._tell = tell

    def emit(self, record: logging.LogRecord) -> None:
        self._tell("logged", self.format(record)[-3000:])
