"""HTTP/1.1 answers, read as fast as Python can: the bytes of their bodies, and how often a mark stands in them."""

from collections.abc import Sequence

HEAD_ENDS = b"\r\n\r\n"
STREAMED = 1 << 62
"""The length of a body that goes on until the connection ends."""


class Answer:
    """One answer, fed as its bytes come.

    ``status`` is 0 until its head is there. ``over``: it is complete; one that has no length is complete when the
    connection ends, which only the caller sees.
    """

    __slots__ = ("_carry", "_chunked", "_left", "_mark", "_rest", "found", "over", "status")

    def __init__(self, mark: bytes = b"") -> None:
        self._mark, self._carry, self._rest = mark, b"", b""
        self._chunked, self._left = False, 0
        self.status = self.found = 0
        self.over = False

    def feed(self, data: bytes) -> bytes:
        """Take what has come; returns what of it is body. ``found`` counts the mark also where it was cut."""
        if not self.status:
            self._rest += data
            head, separator, data = self._rest.lstrip(b"\r\n").partition(HEAD_ENDS)
            if not separator:
                return b""
            self._read_head(head)
            self._rest = b""
        body = self._from_chunks(data) if self._chunked else self._from_length(data)
        if self._mark:
            seen = self._carry + body
            self.found += seen.count(self._mark)
            self._carry = seen[max(0, len(seen) - len(self._mark) + 1) :]
        return body

    def _read_head(self, head: bytes) -> None:
        first, *lines = head.decode("latin-1").split("\r\n")
        self.status = int(first.split()[1])
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        self._chunked = headers.get("transfer-encoding", "") == "chunked"
        self._left = 0 if self._chunked else int(headers.get("content-length", STREAMED))
        self.over = not self._chunked and self._left == 0

    def _from_length(self, data: bytes) -> bytes:
        body = data[: self._left]
        self._left -= len(body)
        self.over = self._left == 0
        return body

    def _from_chunks(self, data: bytes) -> bytes:
        pieces: list[bytes] = []
        if self._rest:
            data, self._rest = self._rest + data, b""
        place, end = 0, len(data)
        while place < end and not self.over:
            if self._left:
                piece = data[place : place + self._left]
                pieces.append(piece)
                place += len(piece)
                self._left -= len(piece)
                continue
            begins = place + 2 if data.startswith(b"\r", place) else place  # behind the chunk before it
            ends = data.find(b"\r\n", begins)
            if ends < 0:
                self._rest = data[place:]
                break
            self._left, place = int(data[begins:ends], 16), ends + 2
            self.over = self._left == 0
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def whole(raw: bytes, mark: bytes = b"") -> tuple[Answer, bytes]:
    """An answer that has come to its end, and its body."""
    answer = Answer(mark)
    return answer, answer.feed(raw)


def quantile(ordered: Sequence[float], share: float) -> float:
    """The value that this share of the ordered ones does not exceed; 0 of none."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0
