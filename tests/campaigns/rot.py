"""Files that change by themselves: each byte flipped in each bit, each file cut at each byte, one at a time.

What is damaged must be found, be rebuilt, or make no difference; what is served must be what was kept. The one
exception is the open end of a log, the segment that neither a seal nor a release closes: damage to its last record, and
any cut, looks as a crash in the middle of a write does, and is taken for that. docs/storage.md says what a reader sees
then.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from random import Random
from zlib import crc32

import anyio

from tests.campaigns.campaign import Campaign, Figures
from tests.campaigns.disks import scratch
from tests.campaigns.losses import Losses
from tests.campaigns.rotting import (
    ARTIFACT,
    FINISHED,
    GENERATION,
    NODE,
    PACKED,
    REBORN,
    RUNNING,
    SHA256_OF_TABLE,
    Place,
    Whole,
    make,
)
from tests.campaigns.verdicts import (
    Judge,
    Verdict,
    artifact_judge,
    birth_judge,
    claim_judge,
    control_judge,
    heartbeat_judge,
    later_birth_judge,
    log_judge,
    snapshot_judge,
    stream_judge,
    view_judge,
)

BITS = tuple(1 << bit for bit in range(8))
ALL_BITS = 0xFF
CUT = 0
FIRST = f"0001-{GENERATION}"


@dataclass(frozen=True)
class Subject:
    """One file. ``fit`` makes its checksums fit damaged content, where it has such."""

    name: str
    path: str
    judges: tuple[Judge, ...]
    fit: Callable[[bytes], bytes] | None = None


def fit_lines(content: bytes) -> bytes:
    """A log whose lines all have the right checksum, as they would without one."""
    return b"\n".join(_fit(line, b',"crc":', b"}") for line in content.split(b"\n"))


def fit_object(content: bytes) -> bytes:
    return _fit(content, b',\n  "crc": ', b"\n}\n")


def _fit(content: bytes, before: bytes, after: bytes) -> bytes:
    body, found, _ = content.rpartition(before)
    return b"%b%b%d%b" % (body, before, crc32(body), after) if found else content


ENDED: tuple[Judge, ...] = (view_judge, stream_judge)
SUBJECTS = (
    Subject("open log", f"{RUNNING}/{FIRST}/000002.jsonl", (log_judge(RUNNING, open_end=True),), fit_lines),
    Subject("sealed log", f"{RUNNING}/{FIRST}/000001.jsonl", (log_judge(RUNNING),), fit_lines),
    Subject(
        "sealed log of an ended task", f"{FINISHED}/{FIRST}/000001.jsonl", (log_judge(FINISHED), *ENDED), fit_lines
    ),
    Subject("released log", f"{FINISHED}/{FIRST}/000002.jsonl", (log_judge(FINISHED), *ENDED), fit_lines),
    Subject("rendition", f"{FINISHED}/{FIRST}/rendition", ENDED),
    Subject("packed log, sealed", f"{PACKED}/{FIRST}/000001.jsonl.gz", (log_judge(PACKED),)),
    Subject("packed log, released", f"{PACKED}/{FIRST}/000002.jsonl.gz", (log_judge(PACKED),)),
    Subject("snapshot", f"{FINISHED}.json", (snapshot_judge, stream_judge), fit_object),
    Subject("birth record", f"{RUNNING}/0001.task", (birth_judge,), fit_object),
    Subject("birth record of a later life", f"{REBORN}/0002.task", (later_birth_judge,), fit_object),
    Subject("claim", f"{RUNNING}/{FIRST}/000002.claim", (claim_judge(RUNNING), log_judge(RUNNING)), fit_object),
    Subject(
        "claim of an ended task", f"{FINISHED}/{FIRST}/000002.claim", (claim_judge(FINISHED), view_judge), fit_object
    ),
    Subject("request", f"{FINISHED}/{FIRST}/control/000001.pause", (control_judge,), fit_object),
    Subject("file of a task", f"{FINISHED}/{FIRST}/artifacts/{SHA256_OF_TABLE[:16]}-{ARTIFACT}", (artifact_judge,)),
    Subject("heartbeat", f"nodes/{NODE.id}.json", (heartbeat_judge,)),
)


@dataclass(frozen=True)
class Damage:
    """``mask``: the bits flipped in the byte at ``offset``, or `CUT`: from there on nothing is left."""

    subject: Subject
    offset: int
    mask: int

    def __str__(self) -> str:
        done = "cut" if self.mask == CUT else f"flipped by {self.mask:#04x}"
        return f"{self.subject.name} ({self.subject.path}) {done} at byte {self.offset}"

    def done_to(self, content: bytes) -> bytes:
        if self.mask == CUT:
            return content[: self.offset]
        return content[: self.offset] + bytes([content[self.offset] ^ self.mask]) + content[self.offset + 1 :]


def run(rounds: int, seed: int, weakened: bool) -> Figures:
    with scratch() as root:
        return anyio.run(partial(_run, root, rounds, seed, weakened), backend_options={"use_uvloop": True})


async def _run(root: Path, rounds: int, seed: int, weakened: bool) -> Figures:
    whole = await make(root / "tasks")
    pristine = {path: path.read_bytes() for path in sorted((root / "tasks").rglob("*")) if path.is_file()}
    losses = Losses()
    counts: Counter[str] = Counter()
    for damage in _damages(root / "tasks", rounds, seed, weakened):
        verdict, detail = await _try(root / "tasks", damage, whole, weakened)
        counts[damage.subject.name] += 1
        counts[verdict] += 1
        if not verdict.good:
            losses.lost(verdict, str(damage), detail, sort=damage.subject.name)
        _restore(root / "tasks", pristine)
    done: dict[str, int | float] = {verdict: counts.pop(verdict, 0) for verdict in list(Verdict) if verdict.good}
    lost = {verdict: counts.pop(verdict, 0) for verdict in list(Verdict) if not verdict.good}
    return Figures({**counts, **done}, {str(name): count for name, count in lost.items()}, tuple(losses.notes))


def _damages(root: Path, rounds: int, seed: int, weakened: bool) -> Iterator[Damage]:
    """All of them in an order that is drawn, one file after the other in turn; at most ``rounds``."""
    orders = []
    for subject in SUBJECTS:
        if weakened and subject.fit is None:
            continue
        length = (root / subject.path).stat().st_size
        each = list(product(range(length), (*BITS, ALL_BITS, CUT)))
        Random(f"{seed} {subject.name}").shuffle(each)  # noqa: S311 - dice, nothing secret
        orders.append([Damage(subject, offset, mask) for offset, mask in each])
    left = rounds
    for turn in range(max(map(len, orders))):
        for order in orders:
            if turn < len(order) and left > 0:
                left -= 1
                yield order[turn]


async def _try(root: Path, damage: Damage, whole: Whole, weakened: bool) -> tuple[Verdict, str]:
    """The worst of what the judges say."""
    path = root / damage.subject.path
    content = damage.done_to(path.read_bytes())
    if weakened and damage.subject.fit is not None:
        content = damage.subject.fit(content)
    path.write_bytes(content)
    worst, told = Verdict.SAME, ""
    for judge in damage.subject.judges:
        place = Place(root)
        await place.store.open()
        try:
            verdict, detail = await judge(place, whole)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what damage may not lead to
            verdict, detail = Verdict.BROKEN, repr(error)
        await place.store.close()
        if _order(verdict) > _order(worst):
            worst, told = verdict, detail
    return worst, told


def _order(verdict: Verdict) -> tuple[bool, bool]:
    return not verdict.good, verdict is not Verdict.SAME


def _restore(root: Path, pristine: dict[Path, bytes]) -> None:
    for path in sorted(root.rglob("*")):
        if path.is_file() and path not in pristine:
            path.unlink()
    for path, content in pristine.items():
        if not path.exists() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


CAMPAIGN = Campaign(
    name="rot",
    round="one bit, byte or cut, in one file",
    protection="checksums: those of the damaged file are made to fit",
    small=1400,
    small_weakened=300,
    run=run,
)
