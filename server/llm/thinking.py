"""What a model thinks aloud inside its reply, told apart from the reply: ``<think>…</think>`` at its beginning."""

from collections.abc import Iterator

from server.llm.base import Piece

TAGS = (("<think>", "</think>"), ("<thinking>", "</thinking>"))


class ThinkSplitter:
    """Takes the content of a reply in pieces of any size, and says of each character what it is.

    Only a tag before anything else counts, so a reply that speaks about tags is left alone. White space after a tag
    is nobody's.
    """

    def __init__(self) -> None:
        self._held = ""
        self._closing = ""
        self._decided = False
        self._trim = False

    def feed(self, text: str) -> Iterator[Piece]:
        self._held += text
        if not self._decided and not self._decide():
            return
        if self._closing:
            yield from self._thinking()
        if not self._closing:
            yield from self._content()

    def close(self) -> Iterator[Piece]:
        """The reply has ended: what was held back is what it looks like."""
        held, self._held = self._held, ""
        if held and not (self._trim and not held.strip()):
            yield Piece("reasoning" if self._closing else "content", held)

    def _decide(self) -> bool:
        """Whether it is known by now how the reply begins."""
        begun = self._held.lstrip()
        for opening, closing in TAGS:
            if begun.startswith(opening):
                self._held, self._closing = begun[len(opening) :], closing
                self._decided = self._trim = True
                return True
        self._decided = bool(begun) and not any(opening.startswith(begun) for opening, _ in TAGS)
        return self._decided

    def _thinking(self) -> Iterator[Piece]:
        if self._trim:
            self._held = self._held.lstrip()
            self._trim = not self._held
        thought, tag, rest = self._held.partition(self._closing)
        if tag:
            self._held, self._closing, self._trim = rest, "", True
        else:
            kept = _overlap(thought, self._closing)
            thought, self._held = thought[: len(thought) - kept], thought[len(thought) - kept :]
        if thought:
            yield Piece("reasoning", thought)

    def _content(self) -> Iterator[Piece]:
        if self._trim:
            self._held = self._held.lstrip()
            self._trim = not self._held
        if self._held:
            content, self._held = self._held, ""
            yield Piece("content", content)


def _overlap(text: str, tag: str) -> int:
    """How many characters at the end of ``text`` may be the beginning of ``tag``."""
    return next((size for size in range(min(len(text), len(tag) - 1), 0, -1) if text.endswith(tag[:size])), 0)
