"""Processes below another one, as /proc tells of them. One that has ended counts as gone, fetched or not."""

import time
from dataclasses import dataclass
from pathlib import Path

BROWSER = b"chrom"


@dataclass(frozen=True, slots=True)
class Process:
    """``born`` tells it from another one that was given the same number later."""

    pid: int
    parent: int
    born: int
    command: bytes

    @property
    def is_browser(self) -> bool:
        """Whether it is a browser's first process, which all others of that browser come from."""
        return BROWSER in self.command.partition(b"\0")[0] and b"--type=" not in self.command

    @property
    def is_renderer(self) -> bool:
        return b"--type=renderer" in self.command

    @property
    def alive(self) -> bool:
        now = look(self.pid)
        return now is not None and now.born == self.born


def look(pid: int) -> Process | None:
    """None where there is none, or one that has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return None
    return None if fields[0] == "Z" else Process(pid, int(fields[1]), int(fields[19]), command)


def below(pid: int) -> list[Process]:
    """All that this process has started, and what they have started."""
    pids = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    every = [one for one in map(look, pids) if one is not None]
    wanted = {pid}
    found: list[Process] = []
    while new := [one for one in every if one.parent in wanted and one.pid not in wanted]:
        wanted |= {one.pid for one in new}
        found += new
    return found


def browser_below(pid: int) -> Process | None:
    return next((one for one in below(pid) if one.is_browser), None)


def rss_megabytes(*pids: int) -> int:
    """Of all of them together; what they share is counted for each."""
    kilobytes = 0
    for pid in pids:
        try:
            lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
        except OSError:
            continue
        kilobytes += sum(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))
    return kilobytes // 1024


def seconds_until_gone(processes: list[Process], most: float) -> float:
    """How long the last of them was still there; fails when that is longer than ``most``."""
    began = time.monotonic()
    while left := [one for one in processes if one.alive]:
        waited = time.monotonic() - began
        assert waited < most, f"still there after {most} s: {[one.command[:80] for one in left]}"
        time.sleep(0.02)
    return time.monotonic() - began
