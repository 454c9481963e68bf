"""A Holdfast seen from outside, over plain HTTP, and one of our own to be killed."""

import http.client
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from scripts.judging import Failed
from server.command.sse_parser import Event, SseParser

ROOT = Path(__file__).resolve().parent.parent
LIMIT_SECONDS = 60.0
POLL_SECONDS = 0.02


class Stream:
    """A stream being read. Bytes are taken one network read at a time, or in an exact number before a cut."""

    def __init__(self, connection: http.client.HTTPConnection, response: http.client.HTTPResponse) -> None:
        self._connection, self._response = connection, response
        self.task_id = response.getheader("X-Task-ID", "")
        self.status = response.status

    def __enter__(self) -> "Stream":
        return self

    def __exit__(self, *_: object) -> None:
        self._response.close()
        self._connection.close()

    def events(self) -> Iterator[Event]:
        """Events as they come, to the end of the connection, however that ends."""
        parser = SseParser()
        with suppress(http.client.HTTPException, OSError):
            while chunk := self._response.read1(65_536):
                yield from parser.feed(chunk)

    def cut_after(self, count: int) -> list[Event]:
        """The whole events in exactly so many bytes."""
        return SseParser().feed(self._response.read(count))


@dataclass(frozen=True)
class Server:
    """A Holdfast at an address. Every wait ends after a minute."""

    url: str

    def call(self, method: str, path: str, body: str | None = None) -> tuple[int, Any]:
        connection, response = self._send(method, path, body, {})
        try:
            content = response.read()
            return response.status, json.loads(content) if content else None
        finally:
            connection.close()

    def stream(self, path: str, method: str = "GET", body: str | None = None, after: str | None = None) -> Stream:
        headers = {"Accept": "text/event-stream", **({"Last-Event-ID": after} if after else {})}
        return Stream(*self._send(method, path, body, headers))

    def events(self, task_id: str, after: str | None = None) -> Stream:
        return self.stream(f"/api/tasks/{task_id}/events", after=after)

    def replay(self, task_id: str) -> list[Event]:
        with self.events(task_id) as stream:
            return list(stream.events())

    def start(self, request: dict[str, Any]) -> dict[str, Any]:
        status, task = self.call("POST", "/api/tasks", json.dumps(request))
        if status not in (200, 201):
            raise Failed(f"POST /api/tasks answered {status}: {task}")
        return dict(task)

    def task(self, task_id: str) -> dict[str, Any]:
        return dict(self.call("GET", f"/api/tasks/{task_id}")[1])

    def _send(
        self, method: str, path: str, body: str | None, headers: dict[str, str]
    ) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        address = urlsplit(self.url)
        make = http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
        connection = make(address.netloc, timeout=LIMIT_SECONDS)
        if body is not None:
            headers = {**headers, "Content-Type": "application/json"}
        connection.request(method, path, body.encode() if body is not None else None, headers)
        return connection, connection.getresponse()


def wait_for(condition: Callable[[], Any], what: str) -> Any:
    ends = time.monotonic() + LIMIT_SECONDS
    while not (found := condition()):
        if time.monotonic() > ends:
            raise Failed(f"{LIMIT_SECONDS:.0f} s went by without {what}")
        time.sleep(POLL_SECONDS)
    return found


@dataclass
class OwnServer:
    """A server of this script's own. Only the process that was started here is ever ended here."""

    folder: Path
    port: int = 0
    process: "subprocess.Popen[bytes] | None" = None
    log: Path = field(init=False)

    def __post_init__(self) -> None:
        self.log = self.folder / "server.log"
        self.storage = self.folder / "tasks"

    def start(self) -> str:
        said = self.log.stat().st_size if self.log.exists() else 0
        environment = {**os.environ, "DEMO_KIND": "1", "TASK_STORAGE_DIR": str(self.storage), "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-m", "server", "serve", "--host", "127.0.0.1", "--port", str(self.port)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603 - this Python, our own module
                command, env=environment, cwd=self.folder, stdout=log, stderr=log
            )

        def address() -> str | None:
            text = self.log.read_bytes()[said:].decode(errors="replace")
            if self.process is not None and self.process.poll() is not None:
                raise Failed(f"the server did not start: {text.strip()}")
            found = re.search(r"http://127\.0\.0\.1:(\d+)", text)
            return found[0] if found else None

        url = str(wait_for(address, "the server telling its address"))
        self.port = int(url.rpartition(":")[2])
        return url

    def kill(self) -> None:
        """SIGKILL: nothing is said, nothing is saved."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
