"""What a node tells of its tasks, for whoever keeps its log and its figures."""

from typing import Protocol

from server.models import Life
from server.stores.base import LogWriter
from server.tasks.tenures import Tenure


class Witness(Protocol):
    """Told of what stands in no task's log as an event. None of it fails or takes time."""

    def created(self, life: Life) -> None:
        """A request to this node has begun this life."""

    def claimed(self, life: Life, epoch: int, before: Tenure | None) -> None:
        """This node owns the life from this epoch on; ``before`` is the ownership that came before, if any."""

    def quarantined(self, life: Life, found: str) -> None:
        """The life's log was found damaged: it counts as failed. Told each time that somebody meets the damage."""

    def timed(self, writer: LogWriter) -> LogWriter:
        """A writer that tells how long its appends take."""
