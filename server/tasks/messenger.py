"""Sending what was kept to be told, until it is taken or its time is over."""

import hashlib
import logging
import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import anyio
from anyio.abc import TaskGroup

from server.errors import HoldfastError
from server.models import Notice, Undelivered, now_ms
from server.stores.base import Store
from server.tasks.liveness import Liveness

LOOK_SECONDS = 1.0
LOOK_SECONDS_WITHOUT_RECEIVERS = 3600.0
WAITS_SECONDS = (1.0, 5.0, 30.0, 120.0, 600.0)
"""Before each further attempt; the last one again and again."""
SPREAD = 0.1
DROP_SECONDS = 2.0
GIVE_UP_HOURS = 24
AT_ONCE = 4
"""Messages that are under way to one receiver: a dead one must not keep the others' messages."""

logger = logging.getLogger(__name__)


class Receivers(Protocol):
    """The operator's addresses, by names that do not say them."""

    @property
    def names(self) -> Sequence[str]: ...

    async def tell(self, receiver: str, message_id: str, body: bytes) -> Undelivered | None:
        """One attempt, bounded in time; None where it was taken. Never raises but when cancelled."""


class Counts(Protocol):
    """Who keeps the figures. ``outcome``: taken, failed (and tried again) or given_up."""

    def told(self, outcome: str) -> None: ...


@dataclass(slots=True)
class _Waiting:
    """A notice that is this node's to tell. ``due_at`` is on the event loop's clock; ``taken``: only to be dropped."""

    notice: Notice
    due_at: float = 0.0
    attempts: int = 0
    under_way: bool = False
    taken: bool = False


class Messenger:
    """One node's share of it: what it has kept itself, and what was left by nodes that are gone.

    Which node takes over for a dead one all can work out alike; where they see different nodes alive, a message may be
    sent twice, under its one id. Nothing waits for it, and its end waits for nothing: what is not told then is told by
    another node, or after the next start.
    """

    def __init__(
        self,
        store: Store,
        liveness: Liveness,
        node: str,
        receivers: Receivers,
        counts: Counts,
        waits_seconds: Sequence[float] = WAITS_SECONDS,
        clock: Callable[[], int] = now_ms,
    ) -> None:
        self._store, self._liveness, self._node = store, liveness, node
        self._receivers, self._counts, self._waits, self._clock = receivers, counts, waits_seconds, clock
        self._mine: dict[tuple[str, str], _Waiting] = {}
        self._under_way: Counter[str] = Counter()
        self._failing: set[str] = set()
        self._wake = anyio.Event()

    @property
    def waiting(self) -> int:
        """How many messages this node has yet to tell."""
        return len(self._mine)

    async def run(self) -> None:
        """Look for messages and send them until cancelled. A node without receivers only clears away what is old."""
        pause = LOOK_SECONDS if self._receivers.names else LOOK_SECONDS_WITHOUT_RECEIVERS
        async with anyio.create_task_group() as tg:
            next_look = anyio.current_time()
            while True:
                self._wake = anyio.Event()
                if anyio.current_time() >= next_look:
                    await self._look()
                    next_look = anyio.current_time() + pause
                self._start_due(tg)
                with anyio.move_on_at(next_look):
                    await self._wake.wait()

    async def _look(self) -> None:
        try:
            found = await self._store.notices()
            self._let_go(found)
            for notice in found:
                if notice.key not in self._mine and await self._is_mine(notice):
                    self._mine[notice.key] = _Waiting(notice)
        except HoldfastError as error:
            logger.warning("could not look for webhooks to send: %s", error.detail)
        except Exception:  # part of the outermost loop of a node's work: the next look may do better
            logger.exception("could not look for webhooks to send")

    def _let_go(self, found: Iterable[Notice]) -> None:
        """What is no longer there, or has come to another node that took this one for dead."""
        nodes = {notice.key: notice.node for notice in found}
        for key, waiting in list(self._mine.items()):
            if not waiting.under_way and nodes.get(key) != self._node:
                del self._mine[key]

    async def _is_mine(self, notice: Notice) -> bool:
        if notice.node == self._node:
            return True
        if not self._liveness.is_dead(notice.node) or not self._falls_to_this_node(notice):
            return False
        await self._store.keep_notice(replace(notice, node=self._node))  # so that a node that comes does not take it
        return True

    def _falls_to_this_node(self, notice: Notice) -> bool:
        alive = {node.id for node in self._liveness.nodes if not self._liveness.is_dead(node.id)} | {self._node}
        return max(alive, key=lambda node: hashlib.sha256(f"{notice.id} {node}".encode()).digest()) == self._node

    def _start_due(self, tg: TaskGroup) -> None:
        if not self._liveness.may_write():
            return  # others may take this node for dead, and tell what is its own
        now = anyio.current_time()
        for waiting in sorted(self._mine.values(), key=lambda each: each.due_at):
            receiver = waiting.notice.receiver
            if waiting.under_way or waiting.due_at > now or self._under_way[receiver] >= AT_ONCE:
                continue
            waiting.under_way = True
            self._under_way[receiver] += 1
            tg.start_soon(self._see_to, waiting)

    async def _see_to(self, waiting: _Waiting) -> None:
        try:
            if waiting.taken or await self._is_done_with(waiting):
                waiting.taken = True
                # Also when this node ends just now: it would be told again.
                with anyio.move_on_after(DROP_SECONDS, shield=True):
                    await self._store.drop_notice(waiting.notice)
                    self._mine.pop(waiting.notice.key, None)
        except HoldfastError as error:
            logger.warning("webhook %s is told and can't be dropped: %s", waiting.notice.id, error.detail)
            self._put_off(waiting)
        finally:
            waiting.under_way = False
            self._under_way[waiting.notice.receiver] -= 1
            self._wake.set()

    async def _is_done_with(self, waiting: _Waiting) -> bool:
        """Make one attempt; whether nothing more is to be done."""
        notice = waiting.notice
        if notice.receiver in self._receivers.names:
            failure = await self._tell(notice)
        else:
            failure = Undelivered("it is among this server's WEBHOOK_URLS no longer", final=False)
        if failure is None:
            self._counts.told("taken")
            self._failing.discard(notice.receiver)
            return True
        if failure.final or self._clock() - notice.at > GIVE_UP_HOURS * 3_600_000:
            self._counts.told("given_up")
            logger.error("webhook %s to receiver %s is given up: %s", notice.id, notice.receiver, failure.reason)
            return True
        self._counts.told("failed")
        if notice.receiver not in self._failing:
            self._failing.add(notice.receiver)
            told = "webhook %s was not taken by receiver %s, and is sent again for %d hours: %s"
            logger.warning(told, notice.id, notice.receiver, GIVE_UP_HOURS, failure.reason)
        self._put_off(waiting)
        return False

    async def _tell(self, notice: Notice) -> Undelivered | None:
        try:
            return await self._receivers.tell(notice.receiver, notice.id, notice.body.encode())
        except Exception as error:  # part of the outermost loop: one message must not end all others
            logger.exception("could not tell webhook %s", notice.id)
            return Undelivered(f"it could not be sent: {type(error).__name__}", final=False)

    def _put_off(self, waiting: _Waiting) -> None:
        wait = self._waits[min(waiting.attempts, len(self._waits) - 1)]
        waiting.attempts += 1
        waiting.due_at = anyio.current_time() + wait * random.uniform(1, 1 + SPREAD)  # noqa: S311 - no secret
