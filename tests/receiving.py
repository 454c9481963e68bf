"""A receiver of webhooks over a real socket, in a thread: it answers as it is told, and keeps what came."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson

from server.sources.webhooks import signature

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105 - the example of the specification's own libraries


class Receiver:
    """``status`` is what it answers; ``got`` are ids and bodies of what it has answered with 2xx, ``tried`` all ids."""

    def __init__(self) -> None:
        self.status = 204
        self.got: list[tuple[str, dict[str, Any]]] = []
        self.tried: list[str] = []
        self.forged = 0
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                size = int(self.headers["content-length"])
                body = self.rfile.read(size)
                if len(body) < size:
                    return  # its sender was killed over it
                message_id, status = self.headers["webhook-id"], receiver.status
                wanted = signature(SECRET, message_id, int(self.headers["webhook-timestamp"]), body)
                receiver.forged += wanted != self.headers["webhook-signature"]
                if status < 300:
                    receiver.got.append((message_id, orjson.loads(body)))
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()
                receiver.tried.append(message_id)

            def log_message(self, format: str, *given: Any) -> None:
                """Nothing: the test says what is wrong."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/hook"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def counts(self) -> Counter[str]:
        return Counter(message_id for message_id, _ in self.got)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def receiving() -> Iterator[Receiver]:
    receiver = Receiver()
    try:
        yield receiver
    finally:
        receiver.close()
