#!/usr/bin/env python3
"""Follow one task with several readers while something is done to its servers, and say what the readers noticed.

Each reader connects again with its Last-Event-ID whenever its connection ends, and so comes to whichever server there
is. Needs the `demo` kind (DEMO_KIND=1). In a COMMAND, {owner} stands for the host name of the server that owned the
task when the first command was run, which is the id of its container.
"""

import argparse
import http.client
import secrets
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from scripts import judging  # noqa: E402 - the folder above has to be looked in first
from scripts.judging import Failed  # noqa: E402
from scripts.outside import Server, wait_for  # noqa: E402
from server.command.sse_parser import Event  # noqa: E402

RECONNECT_SECONDS = 0.1
SIZE = 60


@dataclass
class Reader:
    """One reader's place, and when it got what."""

    server: Server
    task_id: str
    seen: list[Event] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    connections: int = 0
    refused: int = 0
    refusals: set[str] = field(default_factory=set)

    def follow(self, ends: float) -> None:
        while time.monotonic() < ends:
            self.connections += 1
            try:
                with self.server.events(self.task_id, after=self.seen[-1].id if self.seen else None) as stream:
                    if stream.status != http.client.OK:
                        self._was_refused(f"HTTP {stream.status}")
                    for event in stream.events():
                        if event.type == "reset":
                            self._was_refused(f"reset {event.data}")
                        if event.id is not None:
                            self.seen.append(event)
                            self.times.append(time.monotonic())
                        if event.type == "done":
                            return
            except (OSError, http.client.HTTPException) as error:
                self._was_refused(type(error).__name__)
            time.sleep(RECONNECT_SECONDS)

    def _was_refused(self, how: str) -> None:
        self.refused += 1
        self.refusals.add(how)

    def longest_silence(self) -> float:
        """In seconds, between two events that came one after the other."""
        return max((after - before for before, after in zip(self.times, self.times[1:], strict=False)), default=0.0)


@dataclass
class Trial:
    """One task, its readers, and what is done at which of its events."""

    server: Server
    readers: int
    events: int
    rate: int
    seconds: float
    commands: list[tuple[int, str]]

    def run(self) -> str:
        """What was noticed, as a line. :raises Failed: what was lost, doubled or refused."""
        params = {"events": self.events, "rate": self.rate, "size": SIZE, "steps": 20, "seed": secrets.randbelow(2**31)}
        task_id = self.server.start({"kind": "demo", "params": params})["id"]
        readers = [Reader(self.server, task_id) for _ in range(self.readers)]
        ends = time.monotonic() + self.seconds
        threads = [threading.Thread(target=reader.follow, args=(ends,), daemon=True) for reader in readers]
        for thread in threads:
            thread.start()
        self._do(task_id, readers)
        for thread in threads:
            thread.join(self.seconds)
        whole = self.server.replay(task_id)
        faults = judging.sequence_faults(whole) + judging.text_faults(whole, self.events)
        for number, reader in enumerate(readers):
            wrong = judging.sequence_faults(reader.seen) + judging.differences(whole, reader.seen)
            faults += [f"reader {number}: {fault}" for fault in wrong]
        judging.demand(faults)
        return self._told(readers, sum(event.type == "rollback" for event in whole))

    def _do(self, task_id: str, readers: list[Reader]) -> None:
        owner = ""
        for at, command in self.commands:
            wait_for(partial(_all_have, readers, at), f"every reader having {at} events")
            if not owner:
                node = self.server.task(task_id)["node"]
                if node is None:
                    raise Failed(f"nobody runs the task at event {at}")
                owner = str(node).rpartition("-")[0]
            self._run(command.replace("{owner}", owner))

    def _run(self, command: str) -> None:
        try:
            done = subprocess.run(  # noqa: S602 - the command is what whoever starts this script has written
                command, shell=True, capture_output=True, text=True, check=False, timeout=self.seconds
            )
        except subprocess.TimeoutExpired:
            raise Failed(f"not done within {self.seconds:g} s: {command}") from None
        if done.returncode:
            raise Failed(f"{command}: {done.stderr.strip() or done.returncode}")

    def _told(self, readers: list[Reader], rollbacks: int) -> str:
        silences = sorted(reader.longest_silence() for reader in readers)
        cut = [reader for reader in readers if reader.connections > 1]
        refusals = sorted(set().union(*(reader.refusals for reader in readers)))
        refused = (
            f"; refused {sum(reader.refused for reader in readers)} times ({', '.join(refusals)})" if refusals else ""
        )
        return (
            f"{len(readers)} readers, {len(readers[0].seen)} events each, none missing, none twice; "
            f"longest silence {silences[0]:.1f} to {silences[-1]:.1f} s; {len(cut)} readers had to connect again, "
            f"{sum(reader.connections - 1 for reader in cut)} times in all{refused}; "
            f"{rollbacks} unfinished steps taken back"
        )


def _all_have(readers: list[Reader], events: int) -> bool:
    return all(len(reader.seen) >= events for reader in readers)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default="http://127.0.0.1:8000", help="the proxy, or one server")
    parser.add_argument("--readers", type=int, default=6)
    parser.add_argument("--events", type=int, default=600, help="of the task")
    parser.add_argument("--rate", type=int, default=40, help="events per second")
    parser.add_argument("--seconds", type=float, default=150, help="after which it is given up")
    parser.add_argument(
        "--at", nargs=2, action="append", default=[], metavar=("EVENT", "COMMAND"),
        help="what to do when every reader has got so many events; may be repeated",
    )  # fmt: skip
    args = parser.parse_args()
    commands = [(int(event), command) for event, command in args.at]
    trial = Trial(Server(args.url.rstrip("/")), args.readers, args.events, args.rate, args.seconds, commands)
    try:
        print(trial.run())
    except (Failed, OSError, http.client.HTTPException, ValueError) as wrong:
        print(f"{type(wrong).__name__}: {wrong}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
