"""What stands before several servers: hands each connection to the first of them that takes it."""

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

CHUNK = 64 * 1024


@contextmanager
def relay(ports: Sequence[int]) -> Iterator[str]:
    """The address of a relay to these ports of loopback, asked in this order. A connection stays where it is."""
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=_accept, args=(listener, ports), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def _accept(listener: socket.socket, ports: Sequence[int]) -> None:
    with suppress(OSError):
        while True:
            client, _ = listener.accept()
            threading.Thread(target=_join, args=(client, ports), daemon=True).start()


def _join(client: socket.socket, ports: Sequence[int]) -> None:
    for port in ports:
        with suppress(OSError):
            server = socket.create_connection(("127.0.0.1", port))
            threading.Thread(target=_copy, args=(client, server), daemon=True).start()
            _copy(server, client)
            return
    client.close()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(CHUNK):
            target.sendall(piece)
    for each in (source, target):
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
        each.close()
