"""The bible at work in one run: read as of a recorded revision, written in by entries that a crash does not double."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from server.errors import RevisionConflict, StoreFailed, WorkflowFailed
from server.models import Json
from server.workflows.base import Context, Step
from server.workflows.novel.bible import PERSON, Bible
from server.workflows.novel.params import NovelParams

MOST_TRIES = 200
MOST_NAMED = 8


class Desk:
    """``bible``: as of the revision that was looked at last."""

    def __init__(self, ctx: Context, params: NovelParams) -> None:
        self._ctx, self._params = ctx, params
        self._ledger = ctx.ledger(params.novel.name)
        self._entries: list[Json] = []
        self._newest = Bible()
        self.bible = Bible()

    async def look(self, key: str, label: str = "") -> Bible:
        """The bible as it is now; a run that starts again sees it here as this one does."""

        async def work(step: Step) -> int:
            await self._read()
            return len(self._entries)

        return await self._as_of(await self._ctx.step(key, work, weight=0.0, label=label))

    async def enter(
        self, key: str, changes: Mapping[str, Json], drop: Iterable[str] = (), *, by: str, label: str = ""
    ) -> dict[str, Any]:
        """Write in the bible, and look at it again.

        An engine leaves what it must not write over; what a person writes goes in whole, or not at all.

        :param by: ``person``, or the engine's name.
        :return: ``revision``, and keys: what was ``set``, ``kept`` and ``dropped``.
        :raises RevisionConflict: a person would write over what has changed since that person looked.
        """
        dropped = list(drop)

        async def work(step: Step) -> dict[str, Any]:
            for _ in range(MOST_TRIES):
                await self._read()
                self._refuse_if_removed(self.bible.revision)
                written = self._written_by(step.idempotency_key)
                if written is not None:
                    return written
                entry = self._entry(step.idempotency_key, changes, dropped, by)
                told = _told(entry, len(self._entries) + 1)
                if not entry["set"] and not entry["drop"]:
                    return {**told, "revision": len(self._entries)}
                if await self._ledger.enter(len(self._entries) + 1, entry):
                    return told
            raise StoreFailed("This novel's bible can't be written in: an entry of it is held and never finished.")

        inputs = {"set": dict(changes), "drop": dropped, "by": by}
        found: dict[str, Any] = await self._ctx.step(key, work, inputs, weight=0.0, label=label)
        await self._as_of(max(found["revision"], self.bible.revision))
        return found

    def _entry(self, key: str, changes: Mapping[str, Json], drop: list[str], by: str) -> dict[str, Any]:
        bible = self._newest
        kept: list[str] = []
        if by == PERSON:
            refuse_conflicts(bible, changes, drop, self._params.base_revision)
        else:
            seen = self._params.base_revision
            kept = bible.kept(changes, by=by, overwrite=self._params.overwrite, base_revision=seen)
        wanted = {name: value for name, value in changes.items() if name not in kept}
        new = {
            name: value
            for name, value in wanted.items()
            if name not in bible.entities or bible.entities[name].value.model_dump(mode="json") != value
        }
        written = {name: bible.entities[name].by for name in drop if name in bible.entities}
        return {
            "key": key,
            "by": by,
            "task": self._ctx.task_id,
            "task_type": self._params.task_type,
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "set": new,
            "drop": [name for name, by_now in written.items() if by == PERSON or by_now != PERSON],
            "kept": kept,
        }

    def _written_by(self, key: str) -> dict[str, Any] | None:
        """What an earlier run had entered before it died."""
        for number, entry in enumerate(self._entries, 1):
            if isinstance(entry, dict) and entry["key"] == key:
                return _told(entry, number)
        return None

    async def _read(self) -> None:
        new = await self._ledger.entries(len(self._entries))
        self._entries += new
        self._newest = self._newest.after(new)

    async def _as_of(self, revision: int) -> Bible:
        if revision > len(self._entries):
            await self._read()  # entries stay as they are, so this is the same whenever it is read
        self._refuse_if_removed(revision)
        if revision == self._newest.revision:
            self.bible = self._newest
        else:
            self.bible = self.bible.after(self._entries[self.bible.revision : revision])
        return self.bible

    def _refuse_if_removed(self, seen: int) -> None:
        """:raises WorkflowFailed: what was seen at this revision is gone; what comes now belongs to another novel."""
        if seen < self._newest.removed_at:
            raise WorkflowFailed("The novel was removed while this task was at work; `rerun` begins it anew.")


def _told(entry: dict[str, Any], revision: int) -> dict[str, Any]:
    return {"revision": revision, "set": list(entry["set"]), "kept": entry["kept"], "dropped": entry["drop"]}


def refuse_conflicts(bible: Bible, changes: Mapping[str, Json], drop: Iterable[str], base_revision: int | None) -> None:
    """:raises RevisionConflict: this would write over what has changed since revision ``base_revision``."""
    found = bible.conflicts(changes, drop, base_revision)
    if found:
        raise conflict(found, bible.revision)


def conflict(keys: list[str], revision: int) -> RevisionConflict:
    named = ", ".join(f"`{key}`" for key in keys[:MOST_NAMED])
    more = f" and {len(keys) - MOST_NAMED} more" if len(keys) > MOST_NAMED else ""
    return RevisionConflict(
        f"{named}{more} changed since you looked; the bible is at revision {revision}. "
        "Look at it again, and send the revision that you have seen as `base_revision`."
    )
