"""What a campaign counts as lost."""

from collections import Counter

NOTES_OF_EACH = 5
NOTE_LETTERS = 600


class Losses:
    """How often each thing was lost that must never be, and the first few of each sort in words."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.notes: list[str] = []
        self._noted: Counter[tuple[str, str]] = Counter()

    def lost(self, what: str, where: str, how: str, *, sort: str = "") -> None:
        self.counts[what] += 1
        self._noted[what, sort] += 1
        if self._noted[what, sort] <= NOTES_OF_EACH:
            self.notes.append(f"{what}: {where}: {how}"[:NOTE_LETTERS])
