"""The peers: what else could do a part of the work. Each listens on loopback and keeps its files in a given folder."""

import os
import pwd
import resource
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scripts.benching.load import HOST
from scripts.benching.processes import MODULE, Missing, free_port, installed, process, wait_for_port
from scripts.judging import Failed

NGINX, NCHAN, REDIS = "nginx-light", "nginx-light and libnginx-mod-nchan", "redis-server"
ANSWER_SECONDS = 60
MODULES = Path("/usr/lib/nginx/modules")
NCHAN_MODULE = "ngx_nchan_module.so"

NGINX_CONFIG = """\
{modules}{user}daemon off;
worker_processes 1;
worker_rlimit_nofile {files};
pid "{folder}/nginx.pid";
error_log stderr error;
events {{ worker_connections {connections}; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    default_type text/event-stream;
    client_body_temp_path "{folder}/body";
    proxy_temp_path "{folder}/proxy";
    fastcgi_temp_path "{folder}/fastcgi";
    uwsgi_temp_path "{folder}/uwsgi";
    scgi_temp_path "{folder}/scgi";
    {more}
    server {{
        listen {host}:{port} backlog=1024;
        keepalive_requests 1000000;
        root "{folder}/files";
        {locations}
    }}
}}
"""
NCHAN_LOCATIONS = """
        location /publish {{ nchan_publisher; nchan_channel_id bench$arg_channel;
                             nchan_message_buffer_length {events}; }}
        location /subscribe {{ nchan_subscriber eventsource; nchan_channel_id bench$arg_channel;
                               nchan_subscriber_first_message newest; }}
"""


@contextmanager
def peers_app(folder: Path) -> Iterator[tuple[int, int]]:
    """The naive app and the hello route on uvicorn: its port and its process id."""
    port = free_port()
    log = folder / "peers_app.log"
    command = [*MODULE, "uvicorn", "scripts.benching.peers_app:app", "--port", str(port), "--log-level", "warning"]
    with process([*command, "--no-access-log"], log) as started:
        wait_for_port(started, port, log)
        yield port, started.pid


@contextmanager
def nginx(folder: Path, files: Path) -> Iterator[int]:
    """nginx with one worker serving a folder: its port. :raises Missing:"""
    with _nginx(folder, files, "", "", "") as port:
        yield port


@contextmanager
def nchan(folder: Path, events: int) -> Iterator[int]:
    """nginx with one worker and Nchan; a channel keeps so many messages. :raises Missing:"""
    installed("nginx", NCHAN)
    module = MODULES / NCHAN_MODULE
    if not module.exists():
        raise Missing(NCHAN)
    locations = NCHAN_LOCATIONS.format(events=events)
    more = "nchan_shared_memory_size 256m;"
    with _nginx(folder, folder, f"load_module {module};\n", more, locations) as port:
        yield port


@contextmanager
def _nginx(folder: Path, files: Path, modules: str, more: str, locations: str) -> Iterator[int]:
    program = installed("nginx", NGINX)
    own = folder / "nginx"
    own.mkdir(exist_ok=True)
    (own / "files").unlink(missing_ok=True)
    (own / "files").symlink_to(files)
    port = free_port()
    _, limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    user = f"user {pwd.getpwuid(0).pw_name};\n" if os.getuid() == 0 else ""
    config = own / "nginx.conf"
    text = NGINX_CONFIG.format(
        modules=modules,
        user=user,
        files=limit,
        connections=limit - 100,
        folder=own,
        host=HOST,
        port=port,
        more=more,
        locations=locations,
    )
    config.write_text(text)
    log = own / "error.log"
    with process([program, "-p", str(own), "-c", str(config), "-e", "stderr"], log) as started:
        wait_for_port(started, port, log)
        yield port


@contextmanager
def redis(folder: Path) -> Iterator[socket.socket]:
    """A connection to a Redis that syncs its file before it answers. :raises Missing:"""
    program = installed("redis-server", REDIS)
    own = folder / "redis"
    own.mkdir(exist_ok=True)
    port = free_port()
    always = ["--appendonly", "yes", "--appendfsync", "always", "--save", ""]
    log = own / "redis.log"
    command = [program, "--bind", HOST, "--port", str(port), "--dir", str(own), *always]
    with process(command, log) as started:
        wait_for_port(started, port, log)
        with socket.create_connection((HOST, port), timeout=ANSWER_SECONDS) as sock:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            yield sock


class Publisher:
    """Publishes to Nchan over one connection, as fast as it is answered."""

    def __init__(self, port: int, channel: str) -> None:
        self._sock = socket.create_connection((HOST, port), timeout=ANSWER_SECONDS)
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._head = (
            f"POST /publish?channel={channel} HTTP/1.1\r\nHost: {HOST}\r\nX-EventSource-Event: output\r\n"
            "Accept: text/plain\r\nContent-Length: "
        )

    def publish(self, data: bytes) -> None:
        self._sock.sendall(f"{self._head}{len(data)}\r\n\r\n".encode() + data)
        answer = self._sock.recv(65_536)
        if not answer.startswith((b"HTTP/1.1 201", b"HTTP/1.1 202")):
            raise Failed(f"Nchan answered {answer[:100]!r}")

    def close(self) -> None:
        self._sock.close()


@contextmanager
def bare(folder: Path, readers: int, events: int, size: int) -> Iterator[tuple[int, "subprocess.Popen[bytes]"]]:
    """Bare writes to so many sockets: its port, and the process, which begins at a line on its standard input."""
    sizes = map(str, (readers, events, size))
    with process([*MODULE, "scripts.benching.bare", *sizes], folder / "bare.log") as started:
        assert started.stdout is not None  # noqa: S101 - made so
        yield int(started.stdout.readline()), started
