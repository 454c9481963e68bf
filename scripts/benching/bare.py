"""The same bytes to many sockets with nothing else done: what the machine and the load would allow at most.

``bare.py READERS EVENTS SIZE``: tells its port, waits for so many readers, then writes each event to each of them as
soon as a line comes on standard input.
"""

import socket
import sys
import time

from scripts.benching.load import HOST
from server.workflows.demo import text_of

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"


def main() -> None:
    readers, events, size = map(int, sys.argv[1:])
    listener = socket.create_server((HOST, 0), backlog=1024)
    sys.stdout.write(f"{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    socks = []
    for _ in range(readers):
        sock, _ = listener.accept()
        sock.recv(65_536)
        sock.sendall(HEAD)
        socks.append(sock)
    sys.stdin.readline()
    for index in range(events):
        data = f'{{"part":"demo","text":"{text_of(index, size, 0)}","t":{time.monotonic_ns()}}}'
        event = f"id: bench0-{index:012d}\nevent: output\ndata: {data}\n\n".encode()
        for sock in socks:
            sock.sendall(event)
    for sock in socks:
        sock.close()


if __name__ == "__main__":
    main()
