"""What a campaign lost, kind by kind, with a sentence for each of the first ones."""

from collections import Counter
from collections.abc import Iterable
from enum import StrEnum

NOTES_OF_A_KIND = 5


class Loss(StrEnum):
    """What must never be. The value is its name in the figures."""

    ERROR = "error answers"
    """A reader got a status that makes a browser give up for good."""
    CUT = "streams broken off"
    """A stream ended in mid-answer where the server was asked to end in good order."""
    RESET = "resets"
    """A reader was told to begin again, though all its ids were good."""
    GAP = "gaps"
    DOUBLE = "doubles"
    UNEQUAL = "unequal streams"
    """Two readers of a task have other bytes, or what one has seen is not in the log."""
    REPORT = "wrong reports"
    """The text is not what the kind makes of these parameters."""
    STEP = "steps run twice"
    """A finished step was run again, or one is missing."""
    OWNER = "owners at odds"
    """Two owners of one epoch, or a run by a node that has no claim."""
    END = "wrong ends"
    """Other than exactly one terminal status and one `done`, at the end."""
    FALSE = "false takeovers"
    """Somebody else came to own a task whose owner was alive, or its owner gave it up without being asked to."""
    LATE = "late takeovers"
    """A death was noticed later than it has to be."""
    TAKEN = "tasks taken too early"
    """Retention has removed what is not old."""
    CLOCK = "clocks that stood still"
    """The wall clock of a node could not be moved, so that nothing was tried."""
    UNENDED = "unended tasks"
    EXIT = "nodes that ended badly"
    """A node that was asked to end had another exit status than 0, or left a traceback."""
    RUNS = "second runs"
    """The same request was made into more than one task."""


class Ledger:
    """Counts of losses. ``kinds`` are those that a campaign looks for; they stand in its figures with 0, too."""

    def __init__(self, kinds: Iterable[Loss] = Loss) -> None:
        self._lost = Counter(dict.fromkeys(kinds, 0))
        self.notes: list[str] = []

    def lose(self, kind: Loss, note: str) -> None:
        self._lost[kind] += 1
        if self._lost[kind] <= NOTES_OF_A_KIND:
            self.notes.append(f"{kind}: {note}")

    @property
    def lost(self) -> dict[str, int]:
        return {str(kind): count for kind, count in self._lost.items()}
