"""Whether a task that has ended is whole: for its readers, on the volume, and in what it says."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from server.workflows.demo import text_of
from tests.campaigns.ledger import Ledger, Loss
from tests.campaigns.readers import Event, Reader
from tests.campaigns.volume import Volume, read_volume
from tests.making import life_folder


@dataclass(frozen=True, slots=True)
class Demo:
    """The parameters of one `demo` task, and what must come of them."""

    seed: int
    events: int = 120
    rate: float = 60.0
    steps: int = 40
    size: int = 20

    @property
    def params(self) -> dict[str, float]:
        return {name: getattr(self, name) for name in ("seed", "events", "rate", "steps", "size")}

    @property
    def target(self) -> str:
        """Start or attach, and stream."""
        return f"/api/stream?{urlencode({'kind': 'demo', **self.params})}"

    @property
    def text(self) -> str:
        return "".join(text_of(index, self.size, self.seed) for index in range(self.events))

    @property
    def keys(self) -> list[str]:
        return [f"part:{index}" for index in range(self.steps)]


def check_task(ledger: Ledger, demo: Demo, tasks: Path, readers: Sequence[Reader], replay: Reader) -> Volume | None:
    """Count what is wrong with a task that must have completed. ``replay``: read from the start after its end.

    Returns what stands on the volume, None where that can't be read.
    """
    where = f"task {replay.task.get('id')} (seed {demo.seed})"
    for reader in readers:
        if difference := first_difference(reader.events, replay.events):
            ledger.lose(Loss.UNEQUAL, f"{where}: one reader has {difference[0]!r}, a later one {difference[1]!r}")
    if replay.events and report(replay.events) != demo.text:
        ledger.lose(Loss.REPORT, f"{where}: {len(report(replay.events))} characters, not the expected {len(demo.text)}")
    check_end(ledger, where, replay.events)
    try:
        volume = read_volume(life_folder(tasks, str(replay.task.get("id"))))
    except (OSError, ValueError) as error:
        ledger.lose(Loss.UNEQUAL, f"{where}: the volume can't be read: {error}")
        return None
    check_volume(ledger, where, demo, volume, replay.events)
    return volume


def first_difference(one: Sequence[Event], other: Sequence[Event]) -> tuple[bytes, bytes] | None:
    """The first bytes that differ, of each."""
    for index in range(max(len(one), len(other))):
        left, right = (events[index].raw if index < len(events) else b"" for events in (one, other))
        if left != right:
            return left[:200], right[:200]
    return None


def report(events: Sequence[Event]) -> str:
    """The text of the demo's one part, with what was rolled back left out."""
    pieces: list[tuple[int, str]] = []
    for event in events:
        if event.type == "output":
            pieces.append((event.seq, event.data["text"]))
        elif event.type == "rollback":
            kept = event.data["to_seq"]
            pieces = [piece for piece in pieces if piece[0] <= kept]
    return "".join(text for _, text in pieces)


def check_end(ledger: Ledger, where: str, events: Sequence[Event]) -> None:
    """One `done`, at the end, and one terminal status."""
    types = Counter(event.type for event in events)
    statuses = [event.data["status"] for event in events if event.type == "status"]
    terminal = [status for status in statuses if status not in ("pending", "running", "paused")]
    last = events[-1].type if events else None
    if last != "done" or types["done"] != 1 or terminal != ["completed"]:
        ledger.lose(Loss.END, f"{where}: {types['done']} `done`, terminal statuses {terminal}, the last event {last}")


def check_volume(ledger: Ledger, where: str, demo: Demo, volume: Volume, events: Sequence[Event]) -> None:
    """The log and what readers got are the same; each step stands in it once; whoever ran it had claimed it."""
    logged = [(event["seq"], event["type"], event["data"]) for event in volume.events]
    if logged != [(event.seq, event.type, event.data) for event in events]:
        ledger.lose(Loss.UNEQUAL, f"{where}: {len(logged)} events in the log, {len(events)} in a replay, or other ones")
    if volume.steps != demo.keys:
        often = {key: count for key, count in Counter(volume.steps).items() if count != 1}
        ledger.lose(Loss.STEP, f"{where}: {len(volume.steps)} of {len(demo.keys)} steps recorded, repeated: {often}")
    for epoch, record in volume.records:
        sealed = record["data"] if record["type"] == "seal" else {}
        if sealed.get("node", "") != volume.claims.get(sealed.get("epoch", 0), ""):
            ledger.lose(Loss.OWNER, f"{where}: epoch {sealed['epoch']} is sealed as {sealed['node']}'s")
        runs = record["type"] == "status" and record["data"]["status"] == "running"
        if runs and record["data"]["node"] != volume.claims[epoch]:
            claimed = volume.claims[epoch]
            ledger.lose(Loss.OWNER, f"{where}: {record['data']['node']} ran epoch {epoch}, which {claimed} had claimed")
