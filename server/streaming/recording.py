"""The whole stream of an ended task, kept while it is sent, so that the next one who asks gets it with one write."""

from collections.abc import Callable

from server.streaming.source import Source
from server.streaming.wire import Wire


class Recording:
    """A source that is a task's from its first event to its end; ``keep`` gets the bytes of all its events.

    What is longer than ``longest`` bytes, or does not reach the end, is not kept.
    """

    def __init__(self, source: Source, longest: int, keep: Callable[[bytes], None]) -> None:
        self._source, self._longest, self._keep = source, longest, keep
        self._blocks: list[bytes] = []
        self.wire: Wire = source.wire

    async def __aenter__(self) -> object:
        return await self._source.__aenter__()

    async def __aexit__(self, *error: object) -> None:
        await self._source.__aexit__(*error)

    def opening(self) -> bytes:
        return self._source.opening()

    async def next(self) -> bytes | None:
        block = await self._source.next()
        if block is not None and self._longest >= 0:
            self._longest -= len(block)
            self._blocks.append(block)
            if self._longest < 0:
                self._blocks.clear()
            elif self._source.ended:
                self._keep(b"".join(self._blocks))
        return block

    def heartbeat(self) -> bytes:
        return self._source.heartbeat()

    @property
    def ended(self) -> bool:
        return self._source.ended
