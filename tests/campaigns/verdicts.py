"""What a damaged file leads to: it is found, it makes no difference, or what is served is not what was kept."""

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from enum import StrEnum
from typing import Any, TypeAlias

import anyio
import httpx2

from server.errors import HoldfastError, LogCorrupt
from server.models import Status
from tests.campaigns.rotting import ARTIFACT, FINISHED, NODE, PAUSE, REBORN, RUNNING, TABLE, Place, Whole
from tests.making import output

WAITING_SECONDS = 5.0


class Verdict(StrEnum):
    """What became of a damage. Those that are not `good` must never be."""

    FOUND = "found"
    SAME = "made no difference"
    TORN = "taken for a torn tail"
    DIFFERENT = "wrong content served"
    SHORTER = "less served as the whole"
    OLDER = "older life served"
    WAITING = "readers left waiting"
    STUCK = "task can't be gone on with"
    BROKEN = "program broken"

    @property
    def good(self) -> bool:
        return self in (Verdict.FOUND, Verdict.SAME, Verdict.TORN)


Judge: TypeAlias = Callable[[Place, Whole], Awaitable[tuple[Verdict, str]]]


def log_judge(task_id: str, *, open_end: bool = False) -> Judge:
    """For a log segment. ``open_end``: neither seal nor release closes it, so its last record may be torn."""

    async def judge(place: Place, whole: Whole) -> tuple[Verdict, str]:
        life, good = whole.lives[task_id], whole.logs[task_id]
        found, error, undecided = await place.read(life)
        if found != good[: len(found)]:
            wrong = next(index for index, line in enumerate(found) if line not in good[index : index + 1])
            return Verdict.DIFFERENT, found[wrong]
        if error is not None:
            return Verdict.FOUND, error.detail
        if found == good:
            return Verdict.SAME, ""
        if open_end:
            return await _gone_on_with(place, whole, task_id)
        if undecided:
            return Verdict.WAITING, f"{len(found)} of {len(good)} records, and no error"
        if _events(found) == _events(good):
            return Verdict.TORN, "only the release is gone, which its next owner does without"
        # The log alone can't tell that its end is gone; the task as a whole may.
        if (await place.outlook.state(life)).corrupt:
            return Verdict.FOUND, "by its snapshot"
        return Verdict.SHORTER, f"{len(found)} of {len(good)} records, and no error"

    return judge


def _events(found: list[str]) -> list[str]:
    return [line for line in found if line.startswith('{"seq":')]


async def _gone_on_with(place: Place, whole: Whole, task_id: str) -> tuple[Verdict, str]:
    """The next owner takes what is whole for the log, and goes on behind it."""
    life, good = whole.lives[task_id], _events(whole.logs[task_id])
    claim = await place.store.newest_claim(life)
    epoch = claim.epoch + 1 if claim else 1
    try:
        writer = await place.store.claim(life, epoch, "n2")
    except LogCorrupt:
        return Verdict.WAITING, "its next owner finds it damaged, and no reader does"
    if writer is None:
        return Verdict.STUCK, f"epoch {epoch} is taken"
    kept = _events((await place.read(life))[0])
    await writer.append([output(len(kept) + 1, "and on")])
    await writer.close()
    after, error, undecided = await place.read(life)
    if error is not None or undecided or kept != good[: len(kept)] or _events(after)[:-1] != kept:
        return Verdict.STUCK, f"{error}: {after}"
    return Verdict.TORN, f"{len(kept)} of {len(good)} events"


async def stream_judge(place: Place, whole: Whole) -> tuple[Verdict, str]:
    """For all that the finished task's readers are sent from: log, rendition, snapshot."""
    with anyio.move_on_after(WAITING_SECONDS):
        stream = await place.stream(whole.lives[FINISHED])
        if stream == whole.stream:
            return Verdict.SAME, ""
        events, _, end = stream.partition(b"event: failure\n")
        if end and LogCorrupt.code.encode() in end and whole.stream.startswith(events):
            return Verdict.FOUND, ""
        return Verdict.DIFFERENT, repr(stream)
    return Verdict.WAITING, "the stream does not end"


async def view_judge(place: Place, whole: Whole) -> tuple[Verdict, str]:
    """For everything that the view of the finished task is made of: snapshot, log, claims."""
    view = await place.outlook.view(whole.lives[FINISHED])
    if view == whole.view:
        return Verdict.SAME, ""
    if view["status"] == Status.FAILED and view["error"]["code"] == LogCorrupt.code:
        return Verdict.FOUND, ""
    if view["seq"] < whole.view["seq"]:
        return Verdict.SHORTER, f"seq {view['seq']} of {whole.view['seq']}, {view['status']}"
    return Verdict.DIFFERENT, _difference(view, whole.view)


async def snapshot_judge(place: Place, whole: Whole) -> tuple[Verdict, str]:
    verdict, detail = await view_judge(place, whole)
    if not verdict.good:
        return verdict, detail
    listed = await place.store.heads([FINISHED])
    snapshot = await place.store.snapshot(FINISHED)
    if snapshot is None:
        return Verdict.STUCK, "it was not written again"
    if snapshot.pop("lastSaved") != whole.snapshot["lastSaved"]:
        verdict = Verdict.FOUND
    good = {key: value for key, value in whole.snapshot.items() if key != "lastSaved"}
    if snapshot != good or listed[FINISHED]["progress"]["status"] != good["progress"]["status"]:
        return Verdict.DIFFERENT, _difference(snapshot, good)
    return verdict, ""


async def birth_judge(place: Place, whole: Whole) -> tuple[Verdict, str]:
    return await _judge_latest(place, whole, RUNNING)


async def later_birth_judge(place: Place, whole: Whole) -> tuple[Verdict, str]:
    return await _judge_latest(place, whole, REBORN)


async def _judge_latest(place: Place, whole: Whole, task_id: str) -> tuple[Verdict, str]:
    """A birth record that can't be read must be refused as damaged, by whoever asks for the task in any way."""
    good = whole.lives[task_id]
    try:
        found = await place.store.latest(task_id)
    except HoldfastError:
        found = None
    if found is not None and found.number < good.number:
        return Verdict.OLDER, f"life {found.number} in place of {good.number}"
    if found is not None:
        return (Verdict.SAME, "") if found == good else (Verdict.DIFFERENT, str(found))
    try:
        made = await place.store.create(good)
    except LogCorrupt as error:
        return Verdict.FOUND, error.detail
    return Verdict.DIFFERENT, f"created anew: {made}"


def claim_judge(task_id: str) -> Judge:
    """Whose claim it is must be told rightly or not at all; that there is a claim is told by its name."""

    async def judge(place: Place, whole: Whole) -> tuple[Verdict, str]:
        claim = await place.store.newest_claim(whole.lives[task_id])
        if claim is None or claim.epoch != 2 or claim.node not in ("n1", ""):
            return Verdict.DIFFERENT, str(claim)
        return (Verdict.SAME if claim.node else Verdict.FOUND), ""

    return judge


async def control_judge(place: Place, whole: Whole) -> tuple[Verdict, str]:
    """A request counts by its name; its reason is told rightly or not at all."""
    [asked] = await place.store.asked([(whole.lives[FINISHED], PAUSE.epoch)])
    if len(asked) != 1 or asked[0].action is not PAUSE.action or asked[0].reason not in (PAUSE.reason, ""):
        return Verdict.DIFFERENT, str(asked)
    return (Verdict.SAME if asked[0].reason else Verdict.FOUND), ""


async def heartbeat_judge(place: Place, whole: Whole) -> tuple[Verdict, str]:
    nodes = await place.store.nodes()
    for node in nodes:
        node.held = None
    if not nodes:
        return Verdict.FOUND, ""
    return (Verdict.SAME, "") if nodes == [NODE] else (Verdict.DIFFERENT, _difference(asdict(nodes[0]), asdict(NODE)))


async def artifact_judge(place: Place, whole: Whole) -> tuple[Verdict, str]:
    """Asked for as a browser does, since the event that told of the file holds its checksum."""
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(place.app), base_url="http://127.0.0.1:8000"
    ) as client:
        answer = await client.get(f"/api/tasks/{FINISHED}/artifacts/{ARTIFACT}")
    if answer.status_code != 200:
        return Verdict.FOUND, str(answer.status_code)
    return (Verdict.SAME, "") if answer.content == TABLE else (Verdict.DIFFERENT, repr(answer.content))


def _difference(found: dict[str, Any], good: dict[str, Any]) -> str:
    return ", ".join(f"{key}: {found.get(key)!r} for {good.get(key)!r}" for key in good if found.get(key) != good[key])
