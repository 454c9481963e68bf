"""A small site on a real socket, some of whose pages come only when a test lets them."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HELD_SECONDS = 60.0


@dataclass
class HeldSite:
    """`/page/…` comes at once, `/held/…` when it is let; what has `broken` in its path is a 500 until `mended` is set.

    ``asked``: how often each path was asked for.
    """

    url: str = ""
    asked: Counter[str] = field(default_factory=Counter)
    mended: threading.Event = field(default_factory=threading.Event)
    _gates: dict[str, threading.Event] = field(default_factory=dict)
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def gate(self, path: str) -> threading.Event:
        with self._guard:
            return self._gates.setdefault(path, threading.Event())

    def let(self, path: str) -> None:
        """This page comes from now on."""
        self.gate(path).set()

    def hold(self, path: str) -> None:
        """And now it comes no more."""
        self.gate(path).clear()

    def answer(self, path: str) -> int:
        """The status of the page, when it may come."""
        with self._guard:
            self.asked[path] += 1
        if path.startswith("/held/"):
            self.gate(path).wait(HELD_SECONDS)
        return 500 if "broken" in path and not self.mended.is_set() else 200

    def close(self) -> None:
        with self._guard:
            for gate in self._gates.values():
                gate.set()


@contextmanager
def held_site() -> Iterator[HeldSite]:
    site = HeldSite()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status = site.answer(self.path)
            body = f"<!doctype html><title>{self.path}</title><h1>{self.path}</h1><p>What stands there.</p>".encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            """A browser that was killed reads no answer."""

    server = Server(("127.0.0.1", 0), Handler)
    site.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        site.close()
        server.shutdown()
        server.server_close()
        thread.join()
