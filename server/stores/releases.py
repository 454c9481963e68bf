"""Which segments were released by their owners, remembered: a segment has one writer, whose release is its end."""

from server.lately import Lately
from server.models import EventType
from server.stores.segments import Segments
from server.stores.volume import Version

RELEASES_KEPT = 512


class Releases:
    """Asked again and again, by each request for a task that has ended; from any thread. Its methods block."""

    def __init__(self) -> None:
        self._known = Lately[tuple[Segments, int], Version](RELEASES_KEPT)

    def is_last(self, segments: Segments, epoch: int) -> bool:
        """Whether the newest claim of a life is that of this epoch, and released."""
        # In this order: no claim that is not there now follows what was read before.
        return self._is_released(segments, epoch) and segments.claimed(epoch) and not segments.claimed(epoch + 1)

    def _is_released(self, segments: Segments, epoch: int) -> bool:
        found = segments.file(epoch)
        if found is None:
            return False
        _, version = found
        if self._known.get((segments, epoch)) == version:
            return True
        last = segments.last_record(epoch)
        if last is None or last.type != EventType.RELEASE:
            return False
        self._known.keep((segments, epoch), version)
        return True
