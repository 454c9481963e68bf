"""Who watches one task on a volume from outside while its owners die, stop and take over, and says what was lost."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson

from server.errors import ArtifactDamaged, LogCorrupt
from server.models import EventType, Life, Record, Status
from server.stores import lines
from server.stores.artifacts import Artifacts
from server.stores.births import Births
from server.stores.checksum import checked
from server.stores.disk import Disk
from server.stores.heartbeats import Heartbeats
from server.stores.reader import SegmentReader
from server.stores.segments import Segments
from server.stores.volume import Volume
from server.tasks.state import TaskState
from tests.campaigns.losses import Losses
from tests.campaigns.owning import ARTIFACT, LIFE, PARTS, PIECES, piece_of
from tests.making import TASK


class Onlooker:
    """Reads one life with the store's own reader: one that stays attached all the time, and new ones at each look.

    ``shown`` is every event that anybody was ever shown, by seq, as the line that it is: told by owners as they
    published it, or read here. ``where`` says in a note which run this was.
    """

    def __init__(self, root: Path, where: str, losses: Losses) -> None:
        self._root, self._where, self._losses = root, where, losses
        self._volume = Volume(Disk())
        self._births = Births(self._volume, root)
        self._segments: Segments | None = None
        self._attached: SegmentReader | None = None
        self._followed: list[str] = []
        self.shown: dict[int, str] = {}
        self.finished: dict[str, str] = {}
        self.generation: str | None = None
        self.asked: set[int] = set()
        self.deaths: list[str] = []
        self.done = False
        self._told = 0

    def close(self) -> None:
        if self._attached is not None:
            self._attached.close()

    def _find(self) -> Segments | None:
        """The segments of the first life that was found here; later ones are others'."""
        if self._segments is None and (lives := self._lives()):
            self._segments = Segments(self._volume, self._births.folder(lives[0]))
            self._attached = SegmentReader(self._segments, 0)
        return self._segments

    def _lives(self) -> list[Life]:
        """Those of which there is a whole record: a maker may have died over one."""
        try:
            return self._births.all(TASK)
        except LogCorrupt:
            return []

    def lost(self, what: str, how: str) -> None:
        self._losses.lost(what, f"{self._where}, after {' '.join(self.deaths) or 'nothing'}", how)

    def show(self, line: str, whom: str) -> None:
        """Somebody was shown this record."""
        seq = lines.decode(line.rstrip("\n").encode()).seq
        if seq is not None and self.shown.setdefault(seq, line) != line:
            self.lost("events changed", f"{whom} was shown {line!r}, before it was {self.shown[seq]!r}")

    def hear(self, said: Sequence[Sequence[Any]], *, repeats_count: bool) -> None:
        """What an owner has told. ``repeats_count``: whether a finished step that begins again is a loss."""
        for what, *values in said:
            match what:
                case "shown":
                    self.show(values[0], "an owner's subscriber")
                case "life" if self.generation not in (None, values[0]):
                    self.lost("second lives", f"{values[0]} beside {self.generation}")
                case "life":
                    self.generation = values[0]
                case "began" if repeats_count and values[0] in self.finished:
                    self.lost("finished steps run again", values[0])
                case "finished" if self.finished.setdefault(values[0], values[1]) != values[1]:
                    self.lost("steps finished twice", f"{values[0]} by {values[1]} and {self.finished[values[0]]}")
                case "asked":
                    self.asked.add(values[0])
                case "broke":
                    self.lost("owners broken", values[0])

    def follow(self) -> None:
        """Read on with the reader that is always there."""
        if self._find() is None or self._attached is None:
            return
        try:
            while batch := self._attached.read(None):
                self._followed += self._lines(batch, len(self._events(self._followed)), "the attached reader")
        except (LogCorrupt, OSError) as error:
            self.lost("readers failed", f"attached: {error}")

    def look(self) -> None:
        """Everything as a newcomer finds it now: log, resumed reading, snapshot, marks, requests, heartbeats."""
        self.follow()
        found = self._read(0)
        if found is None:
            return
        records, undecided = found
        read = self._lines(records, 0, "a new reader")
        events = self._events(read)
        longest = max(self.shown, default=0)
        if len(events) < longest and not undecided:
            self.lost("events lost", f"{longest} were shown, {len(events)} are left: {self.shown[longest]!r}")
        if not undecided and self._followed != read[: len(self._followed)]:
            self.lost("events changed", "the attached reader has followed another log than is there now")
        self._look_at_resumption(events)
        self._look_beside(records, undecided=undecided)

    def _read(self, after: int) -> tuple[list[Record], bool] | None:
        segments = self._find()
        if segments is None:
            return [], False
        reader = SegmentReader(segments, after)
        records: list[Record] = []
        try:
            while batch := reader.read(None):
                records += batch
        except (LogCorrupt, OSError) as error:
            self.lost("readers failed", str(error))
            return None
        finally:
            reader.close()
        return records, reader.undecided

    def _lines(self, records: Sequence[Record], before: int, whom: str) -> list[str]:
        """The records as lines, each noted as shown; their seqs must go on from ``before``."""
        for record in records:
            if record.seq is not None:
                before += 1
                if record.seq != before:
                    self.lost("gaps and repeats", f"{whom} got seq {record.seq} for {before}")
                    before = record.seq
        found = [lines.encode(record).decode() for record in records]
        for line in found:
            self.show(line, whom)
        return found

    @staticmethod
    def _events(found: Sequence[str]) -> list[str]:
        return [line for line in found if is_event(line)]

    def _look_at_resumption(self, events: list[str]) -> None:
        """From another place each time."""
        self._told += 1
        after = self._told * 7 % (len(events) + 1)
        found = self._read(after) if after else None
        if found is not None and [lines.encode(record).decode() for record in found[0]] != events[after:]:
            self.lost("gaps and repeats", f"a reader that resumed after {after} got {len(found[0])} records")

    def _look_beside(self, records: list[Record], *, undecided: bool) -> None:
        state = TaskState(LIFE)
        state.apply_all(records)
        born = bool(self._lives())
        open_mark = (self._root / "open" / TASK).exists()
        if born and not undecided and state.status in (Status.PENDING, Status.RUNNING) and not open_mark:
            self.lost("tasks forgotten", f"{state.status}, and not marked as open")
        if self.generation is not None and not born:
            self.lost("lives lost", self.generation)
        snapshot = self._root / f"{TASK}.json"
        if snapshot.exists():
            try:
                seq = checked(snapshot.read_bytes())["seq"]
                if seq > len(self.shown):
                    self.lost("snapshots ahead", f"seq {seq}, and only {len(self.shown)} events were ever shown")
            except ValueError as error:
                self.lost("snapshots torn", str(error))
        segments = self._find()
        for epoch in self.asked:
            if segments is None or not (segments.folder / "control" / f"{epoch:06d}.pause").exists():
                self.lost("requests lost", f"to epoch {epoch}")
        nodes = {node.id for node in Heartbeats(self._volume, self._root / "nodes").all()}
        written = {path.stem for path in (self._root / "nodes").glob("[!.]*.json")}
        if written != nodes:
            self.lost("heartbeats torn", str(written - nodes))
        if segments is not None and (shown := state.artifacts.get(ARTIFACT)) is not None:
            self._look_at_artifact(segments, shown["sha256"])

    def _look_at_artifact(self, segments: Segments, sha256: str) -> None:
        """The file behind the last event that told of it."""
        try:
            if Artifacts(segments).get(ARTIFACT, sha256) is None:
                self.lost("files lost", f"{ARTIFACT} with {sha256}")
        except ArtifactDamaged:
            self.lost("files of another attempt", f"in place of {sha256}")

    def epochs(self) -> int:
        segments = self._find()
        return segments.newest() if segments is not None else 0

    def look_at_rest(self) -> None:
        """When nobody is at work: a snapshot that is not the last word must have a mark that has it put right."""
        found = self._read(0)
        if found is None or (self._root / "open" / TASK).exists():
            return
        state = TaskState(LIFE)
        state.apply_all(found[0])
        path = self._root / f"{TASK}.json"
        if not path.exists():
            return  # whoever asks for it has it made again
        snapshot = checked(path.read_bytes())
        if (snapshot["status"], snapshot["seq"]) != (state.status, state.seq):
            self.lost(
                "snapshots of older owners",
                f"{snapshot['status']} at seq {snapshot['seq']} by epoch {snapshot['epoch']}, "
                f"and the log says {state.status} at seq {state.seq}; not marked as open",
            )

    def look_at_end(self) -> None:
        """After an owner has done all that there was to do."""
        self.look()
        found = self._read(0)
        if found is None:
            return
        records, undecided = found
        state = TaskState(LIFE)
        state.apply_all(records)
        if undecided or state.status is not Status.COMPLETED or state.ended is None:
            self.lost("tasks not ended", f"{state.status} at seq {state.seq}, undecided: {undecided}")
            return
        self.follow()
        if len(self._events(self._followed)) != state.seq:
            self.lost("events lost", f"the attached reader has got {len(self._events(self._followed))} of {state.seq}")
        self._look_at_work(records, state)
        ends = [orjson.loads(record.data)["status"] for record in records if record.type == EventType.DONE]
        if ends.count(Status.COMPLETED) != 1:
            self.lost("ends twice", str(ends))

    def _look_at_work(self, records: list[Record], state: TaskState) -> None:
        """Each step is recorded once, and its part of the report is the work of the attempt that recorded it."""
        steps = [orjson.loads(record.data) for record in records if record.type == EventType.STEP]
        keys = Counter(step["key"] for step in steps)
        if set(keys) != {*PARTS, "large"} or set(keys.values()) != {1}:
            self.lost("steps recorded twice or not at all", str(dict(keys)))
        for step in steps:
            if step["key"] not in PARTS:
                continue
            attempt = step["result"]["by"]
            text = "".join(text for _, text in state.parts.get(step["key"], []))
            if text != "".join(piece_of(attempt, step["key"], index) for index in range(PIECES)):
                self.lost("reports mixed", f"{step['key']} by {attempt}: {text!r}")
            if self.finished.get(step["key"], attempt) != attempt:
                self.lost("steps finished twice", f"{step['key']} by {attempt} and {self.finished[step['key']]}")


def is_event(line: str) -> bool:
    """Whether it is numbered; the journal's own records are not."""
    return line.startswith('{"seq":')
