"""nginx with the configuration of deploy/, before two real servers that are killed, frozen and ended under it."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import httpx2
import pytest

from tests.reading import connection, numbered, parse, read_bytes, report_of
from tests.serving import wait_until

ROOT = Path(__file__).resolve().parent.parent
NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
LOOPBACKS = ("127.0.0.1", "127.0.0.2")
"""The servers' addresses: all on one port, as containers are."""
QUERY = "/api/stream?kind=demo&events=200&rate=100&steps=10&size=20"
REQUEST_SECONDS, STREAM_SECONDS = 2, 3
"""What the proxy waits here; in deploy/nginx.conf it is longer."""

pytestmark = [
    pytest.mark.skipif(NGINX is None, reason="needs nginx"),
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux has all of 127.0.0.0/8 on loopback"),
]


class NameServer:
    """Answers every question for an A record with the addresses that it holds at that moment."""

    def __init__(self) -> None:
        self.addresses: tuple[str, ...] = LOOPBACKS
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._answer, daemon=True)
        self._thread.start()

    def _answer(self) -> None:
        while True:
            question, asker = self._socket.recvfrom(512)
            if not question:
                return
            # RFC 1035: the same id, "no error", the question, and for each address a name that points to it.
            head = question[:2] + b"\x81\x80\x00\x01" + len(self.addresses).to_bytes(2, "big") + bytes(4)
            asked = question[12 : question.index(0, 12) + 5]
            record = b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x01\x00\x04"
            answers = b"".join(record + socket.inet_aton(address) for address in self.addresses)
            self._socket.sendto(head + asked + answers, asker)

    def close(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
            end.sendto(b"", ("127.0.0.1", self.port))
        self._thread.join(5)
        self._socket.close()


class Site:
    """Two servers on one folder, a name server that knows them, and the proxy."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.servers: dict[str, subprocess.Popen[bytes]] = {}
        self.folder, self._stack = folder, stack
        self.names = NameServer()
        stack.callback(self.names.close)
        self.port = free_port()
        self.start(*LOOPBACKS)
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        (folder / "nginx.conf").write_text(self._adapted(port))
        proxy = self._process(
            folder / "proxy.log", signal.SIGTERM, str(NGINX), "-c", folder / "nginx.conf", "-g", "daemon off;"
        )
        wait_until(lambda: proxy.poll() is not None or answers(self.url))
        assert proxy.poll() is None, (folder / "proxy.log").read_text()

    def _adapted(self, port: int) -> str:
        """The configuration as it is, with the addresses, folders and times of this test."""
        config = (ROOT / "deploy/nginx.conf").read_text(encoding="utf-8")
        for old, new in (
            ("resolver 127.0.0.11 ", f"resolver 127.0.0.1:{self.names.port} "),
            ("holdfast:8000", f"holdfast.test:{self.port}"),
            ("listen 8080 ", f"listen 127.0.0.1:{port} "),
            ("proxy_read_timeout 30s", f"proxy_read_timeout {REQUEST_SECONDS}s"),
            ("proxy_read_timeout 7s", f"proxy_read_timeout {STREAM_SECONDS}s"),
            ("/tmp/", f"{self.folder}/"),  # noqa: S108 - what the configuration names
            ("/dev/stdout", f"{self.folder}/access.log"),
        ):
            assert old in config
            config = config.replace(old, new)
        return config if os.geteuid() else f"user root;\n{config}"  # so that its workers may write to this folder

    def start(self, *addresses: str) -> None:
        """A server at each of these addresses; the servers of one site share a folder."""
        for address in addresses:
            log = self.folder / f"{address}.log"
            command = (sys.executable, "-m", "server", "serve", "--host", address, "--port", str(self.port))
            self.servers[address] = self._process(log, signal.SIGKILL, *command)
        for address in addresses:
            wait_until(partial(answers, f"http://{address}:{self.port}"))

    def _process(self, log: Path, ends_by: signal.Signals, *command: object) -> "subprocess.Popen[bytes]":
        environment = {
            **os.environ,
            "DEMO_KIND": "1",
            "STREAM_PING_SECONDS": "1",
            "LEASE_SECONDS": "3",
            "TASK_STORAGE_DIR": str(self.folder / "tasks"),
        }
        with log.open("ab") as out:
            process = subprocess.Popen(
                [str(word) for word in command], cwd=ROOT, env=environment, stdout=out, stderr=out
            )
        self._stack.callback(process.wait, 20)
        self._stack.callback(process.send_signal, ends_by)
        return process

    def owner(self, task_id: str) -> str:
        """The address of the server that runs the task."""
        node = httpx2.get(f"{self.url}/api/tasks/{task_id}").json()["node"]
        nodes = {health(f"http://{each}:{self.port}").json()["node"]: each for each in LOOPBACKS}
        return nodes[node]

    def send(self, address: str, number: signal.Signals) -> None:
        self.servers[address].send_signal(number)

    def follow(self, path: str, last: str) -> list[bytes]:
        """Come again with the last id whenever the connection ends, until the task has ended."""
        contents: list[bytes] = []
        limit = time.monotonic() + 60
        while not (contents and parse(contents[-1]) and parse(contents[-1])[-1].event == "done"):
            assert time.monotonic() < limit
            seen = numbered([event for content in contents for event in parse(content)])
            with connection(self.url + path, f"Last-Event-ID: {seen[-1].id if seen else last}\r\n") as raw:
                contents.append(read_bytes(raw))
        return contents


def free_port() -> int:
    with ExitStack() as stack:
        first = stack.enter_context(socket.create_server((LOOPBACKS[0], 0)))
        port: int = first.getsockname()[1]
        for address in LOOPBACKS[1:]:
            stack.enter_context(socket.create_server((address, port)))
        return port


def health(url: str) -> "httpx2.Response":
    # 127.0.0.2 is no name that a server answers for unless it is told to.
    return httpx2.get(f"{url}/healthz", headers={"Host": "127.0.0.1"}, timeout=2)


def answers(url: str) -> bool:
    try:
        return health(url).status_code == 200
    except httpx2.HTTPError:
        return False


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with ExitStack() as stack:
        yield Site(tmp_path, stack)


def task_of(site: Site, seed: int, events: int = 300) -> dict[str, str]:
    params = {"events": events, "rate": 100, "size": 20, "seed": seed}
    answer = httpx2.post(f"{site.url}/api/tasks", json={"kind": "demo", "params": params})
    assert answer.status_code in (200, 201)
    return dict(answer.json())


def tried_twice(site: Site) -> bool:
    """Whether a request has been passed on: the log has then two addresses for it."""
    return f":{site.port}, 127.0.0." in (site.folder / "access.log").read_text()


def test_the_configuration_is_valid(tmp_path: Path) -> None:
    """As nginx itself reads it, but for where its files lie."""
    config = (ROOT / "deploy/nginx.conf").read_text().replace("/tmp/", f"{tmp_path}/")  # noqa: S108 - named there
    (tmp_path / "nginx.conf").write_text(config)
    done = subprocess.run(
        [str(NGINX), "-t", "-c", tmp_path / "nginx.conf"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "[warn]" not in done.stderr.replace('[warn] the "user" directive', "")


def test_a_stream_is_passed_on_while_it_is_written(site: Site) -> None:
    """The first events are there long before the last."""
    with connection(site.url + QUERY) as raw:
        first = numbered(parse(read_bytes(raw, 2_000)))
        task = httpx2.get(f"{site.url}/api/tasks?kind=demo").json()["tasks"][0]
    assert first
    assert task["status"] == "running"


def test_a_reader_whose_server_is_killed_goes_on_at_the_other(site: Site) -> None:
    """Through the same address, with nothing missing and nothing twice."""
    task = task_of(site, seed=1)
    path = f"/api/tasks/{task['id']}/events"
    with connection(site.url + path) as raw:
        before = numbered(parse(read_bytes(raw, 4_000)))
    victim = site.owner(task["id"])
    site.send(victim, signal.SIGKILL)
    site.servers[victim].wait(5)
    contents = site.follow(path, before[-1].id or "")
    whole = [*before, *numbered([event for content in contents for event in parse(content)])]
    assert [each.seq for each in whole] == list(range(1, len(whole) + 1))
    text = report_of(whole)["demo"]
    assert [int(text[at : at + 6]) for at in range(0, len(text), 20)] == list(range(300))


def test_a_request_that_a_frozen_server_does_not_answer_is_answered_by_the_other(site: Site) -> None:
    """For POST too, and it starts one task, however often it has arrived."""
    site.send(LOOPBACKS[0], signal.SIGSTOP)
    ids: list[str] = []
    while not tried_twice(site):
        assert len(ids) < 50, "no request came to the frozen server first"
        ids.append(task_of(site, seed=2, events=3)["id"])
    site.send(LOOPBACKS[0], signal.SIGCONT)
    assert len(set(ids)) == 1
    wait_until(lambda: httpx2.get(f"{site.url}/api/tasks/{ids[0]}").json()["status"] == "completed")
    history = httpx2.get(f"{site.url}/api/tasks/{ids[0]}/history").json()
    assert len(history["lives"]) == 1


def test_the_stream_of_a_frozen_server_is_ended_so_that_its_reader_can_come_again(site: Site) -> None:
    """A silent connection is not kept for ever; the next one leads to a server that goes on with the task."""
    task = task_of(site, seed=3)
    path = f"/api/tasks/{task['id']}/events"
    with connection(site.url + path) as raw:
        before = numbered(parse(read_bytes(raw, 4_000)))
        for address in LOOPBACKS:
            site.send(address, signal.SIGSTOP)
        frozen = time.monotonic()
        read_bytes(raw)
        assert time.monotonic() - frozen < 3 * STREAM_SECONDS
    for address in LOOPBACKS:
        site.send(address, signal.SIGCONT)
    contents = site.follow(path, before[-1].id or "")
    whole = [*before, *numbered([event for content in contents for event in parse(content)])]
    assert [each.seq for each in whole] == list(range(1, len(whole) + 1))


def test_a_server_that_is_not_in_the_list_any_more_gets_no_requests(site: Site) -> None:
    """Containers come and go; the proxy is not told, it asks."""
    site.names.addresses = LOOPBACKS[1:]
    served = health(f"http://{LOOPBACKS[1]}:{site.port}").json()["node"]

    def only_the_other() -> bool:
        return {health(site.url).json()["node"] for _ in range(8)} == {served}

    wait_until(only_the_other)


def test_with_no_server_left_a_stream_just_ends_and_anything_else_is_told_why(site: Site) -> None:
    """A browser comes again after a connection that ended, and never after an error status."""
    for address in LOOPBACKS:
        site.send(address, signal.SIGKILL)
        site.servers[address].wait(5)
    with pytest.raises(httpx2.RemoteProtocolError):
        httpx2.get(site.url + QUERY, headers={"Accept": "text/event-stream"})
    answer = httpx2.get(f"{site.url}/api/tasks")
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["retry-after"] == "2"
    assert answer.json()["code"] == "no_server"
    site.start(LOOPBACKS[1])
    assert httpx2.get(f"{site.url}/api/tasks").status_code == 200
