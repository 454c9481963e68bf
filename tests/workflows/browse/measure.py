"""Real pages from a folder of documentation, measured: ``python -m tests.workflows.browse.measure FOLDER [PAGES]``."""

import functools
import http.server
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

import anyio

from server.sources.browser import find_browser
from server.sources.chromium.pool import Chromium
from server.sources.egress import Judge
from server.sources.guard import EgressGuard
from server.workflows.browse.workflow import browse_workflow
from server.workflows.rehearsal import RehearsalContext


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


def rss_megabytes(pid: int | None) -> int:
    """Of one process; 0 where there is none."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines() if pid else []
    return next((int(line.split()[1]) // 1024 for line in lines if line.startswith("VmRSS")), 0)


async def measure(folder: Path, pages: int, captures: list[str]) -> None:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    found = find_browser().browser
    if found is None:
        sys.exit("no browser was found on this machine")
    names = [str(path.relative_to(folder)) for path in sorted(folder.rglob("*.html"))]
    chosen = [names[number % len(names)] for number in range(pages)]
    base = f"http://127.0.0.1:{server.server_port}/"
    tasks = [{"url": base + name, "captures": captures, "key": str(number)} for number, name in enumerate(chosen)]
    pool = Chromium(lambda: found.path, EgressGuard(Judge(("127.0.0.1",))))
    workflow, context = browse_workflow(pool), RehearsalContext()
    async with pool.running():
        began = time.monotonic()
        params = workflow.params.model_validate({"tasks": tasks, "parallelism": 4})
        result: Any = await workflow.run(context, params)
        items = result["items"]
        empty = [item["url"] for item in items if not item["text_chars"]]
        failed = [(item["url"], item["error"]) for item in items if item["error"]]
        sys.stdout.write(
            f"{len(items)} pages in {time.monotonic() - began:.0f} s; failed {len(failed)} {failed[:3]}; without text "
            f"{len(empty)}; files {len(context.artifacts)}; contexts left {pool.in_use}; browsers started "
            f"{pool.started}; this process {rss_megabytes(os.getpid())} MB, browser "
            f"{rss_megabytes(pool.pid)} MB\n"
        )


if __name__ == "__main__":
    anyio.run(measure, Path(sys.argv[1]), int((sys.argv[2:] or ["100"])[0]), ["text", "screenshot", "pdf"])
