"""Forks server nodes. All is imported once, so a node starts in a fraction of a second and thousands can be killed.

Reads one JSON request a line from its standard input and answers each with one line:
``{"settings": {…}, "log": path, "clock": path, "weakness": name or null}`` → ``{"pid": …}``,
``{"ended": pid}`` → ``{"status": …}``. ``clock`` is where libfaketime, if it is loaded, finds the node's wall clock.
At the end of its input it ends the nodes that are left.
"""

import ctypes
import os
import signal
import sys
from typing import Any

import orjson

from server.command.serve import serve
from server.settings import Settings
from tests.campaigns.weakened import serve_weakened

PR_SET_PDEATHSIG = 1


def main() -> None:
    nodes: set[int] = set()
    for line in sys.stdin.buffer:
        request = orjson.loads(line)
        if "ended" in request:
            answer = {"status": _status_of(request["ended"])}
            nodes.discard(request["ended"])
        else:
            answer = {"pid": _fork(request)}
            nodes.add(answer["pid"])
        sys.stdout.buffer.write(orjson.dumps(answer) + b"\n")
        sys.stdout.buffer.flush()
    for pid in nodes:
        os.kill(pid, signal.SIGKILL)
        _status_of(pid)


def _status_of(pid: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _fork(request: dict[str, Any]) -> int:
    parent = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    status = 70
    try:
        # Whatever becomes of the zygote, no node is left behind.
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() == parent:
            status = _be_a_node(request)
    finally:
        sys.stdout.flush()
        os._exit(status)


def _be_a_node(request: dict[str, Any]) -> int:
    silence = os.open(os.devnull, os.O_RDONLY)
    log = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for source, target in ((silence, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    os.environ["FAKETIME_TIMESTAMP_FILE"] = request["clock"]
    settings = Settings(**request["settings"])
    if request["weakness"] is not None:
        return serve_weakened(settings, request["weakness"])
    return serve(settings)


if __name__ == "__main__":
    main()
