#!/usr/bin/env python3
"""See for yourself that a task of Holdfast is not lost: a demonstration that is a test.

Without --url it starts a server of its own in a temporary folder, on a free port, and ends it afterwards. Against
your own server it uses the `demo` kind where that is offered (DEMO_KIND=1), else a research question.
"""

import argparse
import http.client
import itertools
import json
import os
import secrets
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / ".venv"
sys.path.insert(0, str(ROOT))
try:
    from scripts import judging
    from scripts.judging import Failed, demand
    from scripts.outside import LIMIT_SECONDS, OwnServer, Server, wait_for
    from server.command.sse_parser import Event
except ModuleNotFoundError as missing:
    if Path(sys.prefix) == ENVIRONMENT or not ENVIRONMENT.is_dir():
        sys.exit(f"{missing}. Run scripts/serve once: it makes the environment that this needs.")
    os.execv(ENVIRONMENT / "bin" / "python", ["python", *sys.argv])  # noqa: S606 - the same script, in its environment

SNAPSHOT_KEYS = {"taskId", "progress", "outputs", "lastSaved"}
PROGRESS_KEYS = {"step", "percentage", "status", "messages", "result", "error", "timestamp"}


class NotHere(Exception):
    """Why this can't be shown on this server."""


@dataclass
class Demonstration:
    """The checks, each a method that returns its figures or raises what is wrong."""

    server: Server
    own: OwnServer | None
    storage: Path
    demo: bool = False

    def request(self, events: int, rate: int = 0, steps: int = 10) -> dict[str, Any]:
        """A request that nobody made before."""
        new = secrets.randbelow(2**31)
        if not self.demo:
            return {"kind": "research", "params": {"query": f"How does Holdfast resume a stream? ({new})"}}
        return {"kind": "demo", "params": {"events": events, "size": 60, "rate": rate, "steps": steps, "seed": new}}

    def same_request_same_id(self) -> str:
        request = self.request(20)
        params: dict[str, Any] = request["params"]
        backwards = {"params": dict(reversed(params.items())), "kind": request["kind"]}
        ids = {
            "POST /api/tasks": self.server.start(request)["id"],
            "keys in another order": self.server.start(backwards)["id"],
        }
        as_floats = {key: float(value) if isinstance(value, int) else value for key, value in params.items()}
        ids["1.0 for 1"] = self.server.start({**request, "params": as_floats})["id"]
        query = urlencode({**params, "kind": request["kind"]})
        for name, stream in {
            "GET with a query string": self.server.stream(f"/api/stream?{query}"),
            "POST /api/stream": self.server.stream("/api/stream", "POST", json.dumps(request)),
        }.items():
            with stream:
                ids[name] = stream.task_id
        if len(set(ids.values())) > 1:
            raise Failed(f"one request has several ids: {ids}")
        other = self.server.start(self.request(21))["id"]
        if other in ids.values():
            raise Failed("another request has the same id, so ids say nothing")
        return f"{len(ids)} ways to say it, 1 id {other and next(iter(ids.values()))[:8]}…; another request, another id"

    def many_at_once_one_task(self) -> str:
        body, readers = json.dumps(self.request(50)), 40
        answers: list[tuple[int, str]] = []

        def ask() -> None:
            status, task = self.server.call("POST", "/api/tasks", body)
            answers.append((status, task["id"]))

        threads = [threading.Thread(target=ask) for _ in range(readers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(LIMIT_SECONDS)
        ids, created = {task_id for _, task_id in answers}, [status for status, _ in answers].count(201)
        if len(answers) != readers or len(ids) != 1 or created != 1:
            raise Failed(
                f"{readers} identical requests: {len(answers)} answers, {len(ids)} ids, {created} times created"
            )
        return f"{readers} identical requests in one instant, 1 task"

    def cut_anywhere(self) -> str:
        task_id = self.server.start(self.request(60))["id"]
        whole = self.server.replay(task_id)
        demand(judging.sequence_faults(whole))
        first_bytes = sum(map(_size, whole[:6]))
        cuts = [*range(1, first_bytes + 1), *range(first_bytes, sum(map(_size, whole)), 997)]
        for cut in cuts:
            with self.server.events(task_id) as stream:
                seen = stream.cut_after(cut)
            known = judging.numbered(seen)
            with self.server.events(task_id, after=known[-1].id if known else None) as stream:
                rest = list(stream.events()) if stream.status == 200 else []
            demand([f"cut after byte {cut}: {fault}" for fault in judging.differences(whole, [*seen, *rest])])
        return (
            f"cut after {len(cuts)} different numbers of bytes (each of the first {first_bytes}): no gap, no duplicate"
        )

    def cut_while_it_runs(self) -> str:
        task_id = self.server.start(self.request(400, rate=400))["id"]
        seen: list[Event] = []
        sizes, cuts = itertools.cycle((700, 5003, 150, 2511, 999)), 0
        while not (seen and seen[-1].type == "done"):
            known = judging.numbered(seen)
            with self.server.events(task_id, after=known[-1].id if known else None) as stream:
                seen += stream.cut_after(next(sizes))
            cuts += 1
            if cuts > 5000:
                raise Failed("5,000 connections did not bring the task to its end")
        demand(
            judging.sequence_faults(seen)
            + self._text_faults(seen, 400)
            + judging.differences(self.server.replay(task_id), seen)
        )
        return f"{cuts} cuts while it was being written: {len(judging.numbered(seen))} events, each once"

    def goes_on_without_reader(self) -> str:
        request = self.request(300, rate=200)
        with self.server.stream("/api/stream", "POST", json.dumps(request)) as stream:
            task_id = stream.task_id
            seen = list(itertools.islice(stream.events(), 4))
        at_leaving = int((judging.numbered(seen)[-1].id or "").rpartition("-")[2])
        wait_for(lambda: self.server.task(task_id)["status"] == "completed", "the task ending without a reader")
        whole = self.server.replay(task_id)
        demand(
            judging.sequence_faults(whole)
            + self._text_faults(whole, 300)
            + judging.differences(seen, whole[: len(seen)])
        )
        return f"left at event {at_leaving}, nobody there; on return {len(judging.numbered(whole))} events were waiting"

    def on_disk(self) -> str:
        task_id = self.server.start(self.request(50))["id"]
        events = self.server.replay(task_id)
        if not (self.storage / task_id).is_dir():
            raise NotHere(f"the server's tasks are not in {self.storage}; --storage names its folder")
        life = _life_folder(self.storage, task_id)
        snapshot_file = self.storage / f"{task_id}.json"
        wait_for(
            lambda: snapshot_file.exists() and b'"completed"' in snapshot_file.read_bytes(), f"{snapshot_file.name}"
        )
        snapshot = json.loads(snapshot_file.read_bytes())
        missing = (SNAPSHOT_KEYS - snapshot.keys()) | {
            f"progress.{key}" for key in PROGRESS_KEYS - snapshot["progress"].keys()
        }
        demand([f"the snapshot has no {key}" for key in sorted(missing)])
        birth = json.loads((life.parent / "0001.task").read_bytes())
        demand([f"the birth record has no {key}" for key in ("kind", "params", "generation") if key not in birth])
        demand(["there is no claim"] if not (life / "000001.claim").exists() else [])
        segment = (life / "000001.jsonl").read_bytes()
        demand(judging.log_faults([segment]))
        records = sum("seq" in json.loads(line) for line in segment.splitlines())
        if records != len(judging.numbered(events)):
            raise Failed(f"{records} events in the log, {len(judging.numbered(events))} over the wire")
        files = f"{task_id[:8]}….json, 0001.task, 000001.claim, 000001.jsonl"
        return f"{files}: {len(segment.splitlines())} records, all checksums right"

    def survives_sigkill(self) -> str:
        if self.own is None:
            raise NotHere("only a server of this script's own is killed; run it without --url")
        pieces, steps = 300, 10
        task_id = self.server.start(self.request(pieces, rate=150, steps=steps))["id"]
        seen: list[Event] = []
        with self.server.events(task_id) as stream:
            for event in stream.events():
                seen.append(event)
                if len(judging.numbered(seen)) == pieces // 2 + 7:
                    self.own.kill()
        if seen[-1].type == "done":
            raise Failed("the task was over before the server could be killed")
        killed_at, killed = len(judging.numbered(seen)), time.monotonic()
        self.own.start()
        back = 0.0
        while seen[-1].type != "done":
            with self.server.events(task_id, after=judging.numbered(seen)[-1].id) as stream:
                for event in stream.events():
                    if event.id is not None and not back:
                        back = time.monotonic() - killed
                    seen.append(event)
            if time.monotonic() - killed > LIMIT_SECONDS:
                raise Failed(f"{LIMIT_SECONDS:.0f} s after the kill the task had not ended")
        folder = _life_folder(self.own.storage, task_id)
        log = [segment.read_bytes() for segment in sorted(folder.glob("*.jsonl"))]
        demand(
            judging.sequence_faults(seen)
            + judging.differences(self.server.replay(task_id), seen)
            + judging.text_faults(seen, pieces)
        )
        demand(judging.log_faults(log))
        recorded = [b"".join(log).count(b'"type":"step"'), log[0].count(b'"type":"step"')]
        if len(log) < 2 or recorded[0] != steps:
            raise Failed(f"{len(log)} segments, {recorded[0]} finished steps of {steps}")
        taken_back = sum(event.type == "rollback" for event in seen)
        return (
            f"SIGKILL at event {killed_at}; {back:.1f} s later it went on: {recorded[1]} finished steps kept, "
            f"none ran twice, {taken_back} unfinished one taken back in the open"
        )

    def _text_faults(self, events: list[Event], count: int) -> list[str]:
        """Only the demo's text is known beforehand."""
        return judging.text_faults(events, count) if self.demo else []


def _life_folder(storage: Path, task_id: str) -> Path:
    """That of the first life: its name ends with the generation."""
    return next((storage / task_id).glob("0001-*"))


def _size(event: Event) -> int:
    """About the bytes that it took on the wire."""
    return len(f"id: {event.id}\nevent: {event.type}\ndata: {event.data}\n\n".encode())


def demonstrate(demonstration: Demonstration) -> int:
    kinds = json.dumps(demonstration.server.call("GET", "/api/kinds")[1])
    demonstration.demo = '"demo"' in kinds
    checks = {
        "The same request is the same task": demonstration.same_request_same_id,
        "Many ask at once, one task runs": demonstration.many_at_once_one_task,
        "A connection cut anywhere resumes exactly": demonstration.cut_anywhere,
        "It does so while the task is running": demonstration.cut_while_it_runs,
        "The task goes on without a reader": demonstration.goes_on_without_reader,
        "All of it is on the disk, readable": demonstration.on_disk,
        "A killed server goes on where it was": demonstration.survives_sigkill,
    }
    failed = not_shown = 0
    for name, check in checks.items():
        began = time.monotonic()
        try:
            mark, words = "✓", check()
        except NotHere as why:
            mark, words, not_shown = "–", f"not shown: {why}", not_shown + 1
        except (Failed, OSError, LookupError, ValueError, http.client.HTTPException) as wrong:
            mark, words, failed = "✗", f"{type(wrong).__name__}: {wrong}", failed + 1
        print(f"{mark} {name:<44}{words}  [{time.monotonic() - began:.1f} s]", flush=True)
    if failed:
        print(f"\n{failed} of {len(checks)} did not hold.")
        return 1
    print(f"\nEverything that was shown held; {not_shown} could not be shown." if not_shown else "\nEverything held.")
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="✓ held, ✗ did not hold, – can't be shown here. Exit status: 0 everything held, 1 something did not.",
    )
    parser.add_argument("--url", help="a running server, as http://127.0.0.1:8000; without it one is started")
    parser.add_argument(
        "--storage", type=Path, metavar="FOLDER", help="with --url: its TASK_STORAGE_DIR (data/tasks here)"
    )
    parser.add_argument("--prove", action="store_true", help="show that the checks notice faults; needs no server")
    args = parser.parse_args()
    if args.prove:
        return judging.prove()
    with ExitStack() as stack:
        try:
            if args.url:
                storage = args.storage or ROOT / "data" / "tasks"
                return demonstrate(Demonstration(Server(args.url.rstrip("/")), None, storage))
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="holdfast-")))
            own = OwnServer(folder)
            stack.callback(own.stop)
            print("Starting a server of its own …", flush=True)
            server = Server(own.start())
            print(f"It listens on {server.url} and keeps its tasks in {own.storage}\n", flush=True)
            return demonstrate(Demonstration(server, own, own.storage))
        except ConnectionRefusedError:
            print(f"✗ Nothing answers at {args.url}; start a server with scripts/serve.", file=sys.stderr)
            return 1
        except (Failed, OSError, ValueError, http.client.HTTPException) as wrong:
            print(f"✗ {wrong}", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            return 130


if __name__ == "__main__":
    sys.exit(main())
