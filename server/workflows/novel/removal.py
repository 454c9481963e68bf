"""Removing a novel: an entry that says so, and then nothing of what stood there before it."""

from datetime import UTC, datetime
from typing import Any

from server.errors import StoreFailed
from server.workflows.base import Ledger
from server.workflows.novel.bible import PERSON, Bible
from server.workflows.novel.desk import MOST_TRIES


async def remove(ledger: Ledger) -> bool:
    """At once for whoever reads; the texts are gone from the disk when this returns.

    Whoever died over it calls it again: what was left of the texts goes then.

    :return: whether there was anything to remove.
    :raises StoreFailed: an entry is held and never finished.
    """
    for _ in range(MOST_TRIES):
        entries = await ledger.entries()
        bible = Bible().after(entries)
        left = any(entry is not None for entry in entries[: max(0, bible.removed_at - 1)])
        if not bible.is_there:
            await ledger.blank(bible.removed_at)
            return left
        if await ledger.enter(len(entries) + 1, _removed()):
            await ledger.blank(len(entries) + 1)
            return True
    raise StoreFailed("This novel can't be removed: an entry of its bible is held and never finished.")


def _removed() -> dict[str, Any]:
    at = datetime.now(UTC).isoformat(timespec="seconds")
    return {"key": "", "by": PERSON, "at": at, "set": {}, "drop": [], "kept": [], "removed": True}
