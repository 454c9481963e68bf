"""The contract of a store. Its docstrings are the specification; one test suite runs over every store.

A store keeps lives (birth records), claims, logs, snapshots, artifacts, uploads, control requests and heartbeats. No
path, no polling interval and no file name leaves a store.
"""

from collections.abc import AsyncIterable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from server.models import Claim, Control, Headline, Json, Life, Node, Note, Notice, Personal, Record, Status, Upload


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was checked about the place where tasks live. ``detail`` says what would be right."""

    name: str
    ok: bool
    detail: str


@dataclass(frozen=True, slots=True)
class Sight:
    """A task as one look has found it: its lives as `Store.lives` has them, and what `Store.end` says of the current
    one."""

    lives: list[Life]
    end: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Changes:
    """What has become of tasks since a cursor was given; ``cursor`` is for what becomes of them from now on.

    ``headlines`` has each task once that was begun or saved, ``gone`` the ids of those that were removed. ``anew``:
    there are no others than these, whatever was known before.
    """

    cursor: object
    headlines: Sequence[Headline]
    gone: Sequence[str]
    anew: bool


@dataclass(frozen=True, slots=True)
class Room:
    """How much the place where tasks live can take, and how much more of that."""

    total_bytes: int
    free_bytes: int


class LogWriter(Protocol):
    """The right to write one task's log from one epoch on. There is never a second writer of an epoch."""

    epoch: int

    async def append(self, records: Sequence[Record]) -> None:
        """Write the records as one group; when this returns they are durable and may be shown to readers.

        Must write, make durable, and only *then* check that no newer claim exists.

        :raises OwnershipLost: a newer claim exists, and what was written may count or not, as its sealer decides; or
            the life has been removed.
        :raises StoreFull: no room; of the group, the first ``written`` records are in the log and durable, and append
            may be tried again with the others.
        :raises StoreFailed: it is unknown what is durable; the epoch must be given up and never written again.
        """

    async def close(self) -> None:
        """Give the handles back. Idempotent; never fails."""


class LogReader(Protocol):
    """A position in one life's log. Reading never disturbs the writer."""

    @property
    def undecided(self) -> bool:
        """Whether the last read ended where a new owner has yet to say what counts of its predecessor's log.

        There may then be more, that was shown to readers before.
        """

    @property
    def complete(self) -> bool:
        """Whether the last read came to the end of a log that its newest owner had released: nothing followed then."""

    async def read(self, durable_to: int | None = None) -> list[Record]:
        """The next records, in order, none missing and none twice; empty when there is nothing more as of now.

        What is returned is durable and will never be taken back: neither by a power cut nor by a takeover.
        Returns at most about 1 MiB at a time.

        :param durable_to: the caller knows that the log is durable and valid up to this seq and wants nothing after
            it, which saves the reader from making sure.
        :raises LogCorrupt: a record in the middle is damaged, or the log ends before what its snapshot tells of; what
            stands before it has been returned by earlier calls.
        :raises TaskNotFound: the life has been removed.
        :raises StoreFailed: the volume refused.
        """

    async def close(self) -> None:
        """Give the handles back. Idempotent; never fails."""


class Rendition(Protocol):
    """What somebody has made from a life's finished log, open for reading.

    It is derived, and not durable: after a power cut anything may stand in it, so whoever reads it checks it.
    """

    size: int

    async def read(self, offset: int, size: int) -> bytes | None:
        """At most ``size`` bytes; fewer only at its end.

        None once the log is another one than it was made from: somebody has claimed the life since, or removed it.

        :raises StoreFailed: the volume refused.
        """

    async def close(self) -> None:
        """Give the handles back. Idempotent; never fails."""


class Store(Protocol):
    """Where tasks live. Every method may be called from any node at any time, and cancelled at any await."""

    async def open(self) -> None:
        """Make the place usable. :raises StoreFailed: it can't be, with what would be right."""

    async def close(self) -> None:
        """Give all handles back."""

    async def check(self) -> list[Finding]:
        """What the place can and can't do, for `holdfast doctor`."""

    async def create(self, life: Life) -> tuple[Life, bool]:
        """Bring a life into being, at once or not at all.

        Of any number of calls with the same id and number, on any nodes, exactly one returns ``(life, True)``;
        the others return the one that exists and ``False``. A number over which somebody has died is passed over: then
        the life that is returned has a higher one; and where it was removed as it was made, another generation. The id
        is among `open_tasks` from before the life is visible.

        :raises StoreFull: nothing was made. :raises LogCorrupt: the life of this number is damaged.
        """

    async def lives(self, task_id: str) -> list[Life]:
        """All lives of an id, oldest first; empty when there is no such task.

        An older one that is damaged is left out. :raises LogCorrupt: the current one is damaged.
        """

    async def latest(self, task_id: str) -> Life | None:
        """The current life of an id. :raises LogCorrupt: it is damaged."""

    async def newest_claim(self, life: Life) -> Claim | None:
        """Who owns this life now, and whether that owner has released it; None before its first claim."""

    async def claim(self, life: Life, epoch: int, node: str) -> LogWriter | None:
        """Own the life from ``epoch`` on: exactly one caller per epoch gets a writer, every other None.

        None as well for a life that is being or has been removed.

        ``epoch`` must be that of the newest claim plus one (1 for the first). Before the writer is returned, all
        earlier epochs are sealed: what counts of them is durable, fixed for ever and the same for every reader, and
        nothing that their owners may still write will ever be read. For each that was not sealed before, the new
        epoch begins with a ``seal`` record that names its ``epoch``, its last ``seq`` and its owner, ``node``. The id
        is among `open_tasks` from before the claim is visible.

        :raises LogCorrupt: the older log is damaged in the middle, or ends before what its snapshot tells of; the claim
            stands, and nothing can be appended.
        """

    def reader(self, life: Life, after: int = 0) -> LogReader:
        """Read a life's log: the events with a seq above ``after`` and the journal's records about them.

        With ``after=0`` all records are returned, the journal's included.
        """

    async def save_snapshot(
        self, life: Life, epoch: int, snapshot: bytes, *, durable: bool, headline: Headline | None = None
    ) -> None:
        """Replace the readable state of the task, and say the same in its headline, for `changes`.

        A writer of an older epoch or life changes nothing.

        :raises StoreFull, StoreFailed: the older snapshot still stands.
        """

    async def snapshot(self, task_id: str) -> dict[str, Any] | None:
        """The readable state; None when there is none or it is damaged (then it is to be rebuilt from the log)."""

    async def head(self, task_id: str) -> dict[str, Any] | None:
        """The snapshot as `head_of` cuts it: cheap to ask for again and again."""

    async def end(self, life: Life) -> dict[str, Any] | None:
        """The life's `head` where it is the last word on it as of now, None otherwise.

        So it is where it tells of a life's end, and the newest claim is that of the owner who saved it, released.
        """

    async def look(self, task_id: str) -> Sight:
        """All that has to be known to attach to a task, with one call. :raises LogCorrupt: as `lives`."""

    async def task_ids(self) -> list[str]:
        """Every id that has a life, in no order."""

    async def heads(self, task_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """What `head` gives, for those that have one."""

    async def changes(self, cursor: object = None) -> Changes:
        """The headlines of the tasks that were begun, saved or removed, on any node, since this cursor was given.

        Without a cursor, or with one of long ago, those of all tasks. It costs as much as has changed. A headline may
        be older than the snapshot that a node has just died over, or one that was lost in a power cut, until somebody
        saves the next one: it says which tasks to look at, and not how they are. Of some tasks there may be none before
        `make_headlines` has returned True.
        """

    async def make_headlines(self) -> bool:
        """Look at some of the tasks of which no headline is there, or one that can't be so: the newest first.

        Returns whether all have been looked at, as of some moment after the first call; until then it is to be called
        again.
        """

    async def put_artifact(self, life: Life, epoch: int, name: str, content: bytes) -> str:
        """Keep a file of the task, at once or not at all; durable when this returns. Returns the content's SHA-256.

        Another content of the same name stands beside it, as the log may still tell of that one.

        :raises OwnershipLost: a newer claim than that of ``epoch`` exists.
        """

    async def artifact(self, life: Life, name: str, sha256: str) -> bytes | None:
        """The content of this name and SHA-256, or None. :raises ArtifactDamaged: it is another one by now."""

    async def keep_upload(
        self, scope: str, name: str, media_type: str, pieces: AsyncIterable[bytes]
    ) -> tuple[Upload, bool]:
        """Keep what a user sends, at once or not at all; durable when this returns, and found by every node.

        Its id is the content's SHA-256. What this user has sent before counts as put again now, under the name and the
        media type of this time, and the second value is False then. Another user's of the same content is another one.
        The pieces are asked for one after the other and not gathered in memory. Nothing is kept where ``pieces``
        raises.

        :raises StoreFull, StoreFailed: nothing was kept, or it was and may be put again.
        """

    async def upload(self, scope: str, upload_id: str) -> Upload | None:
        """What this user has sent of this id; None when there is none. :raises UploadDamaged: it is no longer that."""

    async def upload_content(self, scope: str, upload_id: str) -> bytes | None:
        """The content of what `upload` tells of, of which the id is the SHA-256.

        :raises UploadDamaged: it is another one by now.
        """

    async def drop_uploads(self, put_before: int) -> int:
        """Remove what was put last before this moment, in ms since 1970; returns how many were removed.

        What is put again at the same time stays.
        """

    async def ask(self, life: Life, control: Control) -> None:
        """Leave a request for the owner of ``control.epoch``. Idempotent."""

    async def asked(self, owned: Sequence[tuple[Life, int]]) -> list[list[Control]]:
        """What has been asked of the owners of these epochs of these lives, for each in no order.

        Nothing for a life that has been removed. :raises StoreFailed: one of them can't be looked at.
        """

    async def note(self, life: Life, note: Note) -> None:
        """Keep what a user tells a life, whoever owns it now or later. Durable when this returns; idempotent.

        :raises TaskNotFound: the life has been removed.
        """

    async def notes(self, life: Life) -> list[Note]:
        """All that a life has been told, oldest first; nothing of one that has been removed."""

    async def open_tasks(self) -> list[str]:
        """The ids that may need an owner: every life that is pending or running, and perhaps some that are not."""

    async def reopen(self, task_id: str) -> None:
        """Put the id among `open_tasks`, where it was found missing. Harmless for a task that needs no owner."""

    async def settle(self, life: Life, epoch: int) -> None:
        """Take the id from `open_tasks`: the owner of this epoch has paused or ended it.

        The id stays when there is a later claim or life, however the calls fall together.
        """

    async def keep_notice(self, notice: Notice) -> None:
        """Have this notice among `notices`, in the place of one of the same key; durable when this returns.

        :raises StoreFull, StoreFailed: it may be there or not, or the one before it.
        """

    async def notices(self) -> list[Notice]:
        """What was kept and not dropped, by any node, in no order. One that is damaged is left out."""

    async def drop_notice(self, notice: Notice) -> None:
        """The notice of this key is done with. Idempotent. After a power cut it may be there again."""

    async def enter(self, ledger: str, number: int, content: Json) -> bool:
        """Write an entry of a ledger: once, and for ever. Durable when this returns.

        Of any number of calls with the same ledger and number, on any nodes, exactly one returns True. False as well
        where the entry before it is not there: ``number`` is that of the last entry plus one, 1 for the first.

        :param ledger: 32 hexadecimal digits, as `server.fingerprint.ledger_id` makes them.
        :raises StoreFull, StoreFailed: it may be there or not; whoever enters it again finds out.
        """

    async def entries(self, ledger: str, after: int = 0) -> list[Json]:
        """The entries above ``after``, in order and without a gap; none of a ledger that nobody has written in.

        What is returned is durable. :raises LogCorrupt: one of them is damaged.
        """

    async def blank(self, ledger: str, below: int) -> None:
        """Take the content out of the entries below this one: each is None from then on, and its number stays held.

        For good, and durable when this returns. Idempotent; whoever reads meanwhile finds each of them as it was or as
        None. Whoever cares what that means enters the entry that says so first.

        :raises StoreFull, StoreFailed: some may be done already.
        """

    async def personal(self, scope: str) -> Personal:
        """What is kept of the user of this scope, in its newest version; nothing in version 0 before the first.

        Where the newest version is damaged, what the one before it said counts under its number.
        """

    async def keep_personal(self, scope: str, kept: Personal) -> bool:
        """Keep this version, if it is the one that follows the newest; durable when this returns True.

        Of any number of callers that keep the same version, on any nodes, exactly one gets True. It is meant for a
        small document that changes now and then: a caller that falls asleep over it while others keep a dozen versions
        may get True for one that counts no more.

        :raises StoreFull, StoreFailed: it may be kept or not.
        """

    async def room(self) -> Room | None:
        """How much the place can take; None where that has no bounds. :raises StoreFailed: it can't be said."""

    async def beat(self, node: Node) -> None:
        """Say that a node is alive; the first beat takes its lock, which is free again when its process has ended."""

    async def nodes(self) -> list[Node]:
        """The last heartbeat of every node, with whether its lock is still held."""

    async def leave(self, node: str) -> None:
        """Take a node's heartbeat away, for one that ends in good order."""

    async def remove(self, life: Life, epoch: int) -> bool:
        """Remove a task with all its lives, if this is the current one and its newest claim that of ``epoch`` (0: no
        claim).

        The caller knows that the owner of that epoch writes nothing more.

        At once for every other caller: of a `create` or a `claim` in the same instant, either it fails and the task is
        removed, or nothing is removed. Returns whether it was removed.
        """

    async def remove_life(self, life: Life) -> None:
        """Remove one life that is not the current one, with all that belongs to it. Idempotent."""

    async def pack(self, life: Life, epoch: int) -> int:
        """Keep the log of the epochs up to this one in less room, where it is long; returns how many bytes that saves.

        Nothing is done unless the owner of ``epoch`` has released it. Readers notice nothing, and the life may be gone
        on with at any time.
        """

    async def rendition(self, life: Life) -> Rendition | None:
        """What was last kept by `keep_rendition`; None when there is none that was made from the log as it stands.

        None as well for a life that has been removed.
        """

    async def keep_rendition(self, life: Life, pieces: AsyncIterable[bytes]) -> bool:
        """Keep what is made from the whole log of a life, at once or not at all. Returns whether it was kept.

        The pieces may be made from the log as they are asked for. None is asked for unless the newest owner has
        released the log, and nothing is kept where somebody has claimed or removed the life by the time that they are
        all there, where ``pieces`` raises, or where there is little room: tasks come first. What is kept may be dropped
        at any time, and is by `pack`.

        :raises StoreFull, StoreFailed: nothing was kept.
        """

    async def tidy(self) -> None:
        """Take away what writers that were killed have left behind. To be called about once a minute."""


def numbered(records: Iterable[Record]) -> list[Record]:
    """The events among the records: those that go over the wire."""
    return [record for record in records if record.seq is not None]


def last_word(head: dict[str, Any] | None, life: Life, is_released: Callable[[int], bool]) -> dict[str, Any] | None:
    """What `Store.end` returns.

    :param is_released: whether the life's newest claim is that of this epoch, and released. It is asked last: what it
        says of the head must hold after the head was read.
    """
    if head is None or head["generation"] != life.generation or not Status(head["status"]).terminal:
        return None
    return head if is_released(head["epoch"]) else None


def head_of(snapshot: dict[str, Any]) -> dict[str, Any]:
    """A snapshot without what may be large: its ``outputs`` and its progress's ``result``."""
    head = {key: value for key, value in snapshot.items() if key != "outputs"}
    if isinstance(head.get("progress"), dict):
        head["progress"] = {key: value for key, value in head["progress"].items() if key != "result"}
    return head
