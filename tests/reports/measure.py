"""What long reports cost: `python -m tests.reports.measure [PAGES…]` → a table. Needs a browser; takes minutes.

Each report is made as PDF and as Word document, in both languages, while the event loop counts how late it is called.
Processor seconds are those of this process and of the browser together, so they are little changed by what else runs.
"""

import os
import resource
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from io import BytesIO
from pathlib import Path

import anyio
import anyio.to_thread
from pypdf import PdfReader

from server.reports.paper import paper
from server.reports.pdf import pdf
from server.reports.stylesheet import whole_stylesheet
from server.reports.word.document import word
from server.reports.wording import Language
from server.sources.browser import find_browser
from server.sources.chromium.pool import Chromium
from server.sources.chromium.printing import PagePrinter

STYLE = Path(__file__).resolve().parents[2] / "static/report.css"
PAGES = (1, 30, 300)
PER_PAGE: dict[Language, int] = {"en": 8, "zh": 10}
"""So many of the quotes below fill a page."""
QUOTES: dict[Language, str] = {
    "en": "> {n}. A kettle is descaled with citric acid: one spoon for each litre of cold water, boiled, left to stand "
    "for half an hour, poured away, and boiled twice more with fresh water before anybody drinks of it. [{s}]\n\n"
    "— Kettles and their care › Descaling, part {n} · 2026-03-04 · 1 source\n\n",
    "zh": "> {n}. 水壶用柠檬酸除垢：每升冷水放一勺，烧开以后静置半个小时，倒掉，再用清水烧开两次，之后才可以饮用；"
    "文献里的说法大致相同，只是用量各有出入。 [{s}]\n\n— 水壶的养护 › 除垢，第 {n} 节 · 2026-03-04 · 1 个来源\n\n",
}
LOOK_SECONDS = 0.005
MEMORY_LOOKS = 50


def browser_processes(leader: int | None) -> list[list[str]]:
    """What the system tells of each process of the browser (proc(5), stat), from its state on."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        if leader is not None and int(fields[2]) == leader:
            found.append(fields)
    return found


def processor_seconds(leader: int | None) -> float:
    ticks = sum(int(one) for fields in browser_processes(leader) for one in fields[11:15])
    return time.process_time() + ticks / os.sysconf("SC_CLK_TCK")


def megabytes(leader: int | None) -> int:
    """Of the browser's processes; what they share is counted in each."""
    pages = sum(int(fields[21]) for fields in browser_processes(leader))
    return pages * os.sysconf("SC_PAGE_SIZE") // (1024 * 1024)


def long_report(language: Language, pages: int) -> str:
    pieces = ["# A long report\n\n"]
    for page in range(pages):
        pieces.append(f"## {page + 1}\n\n" if page % 3 == 0 else "")
        pieces += [QUOTES[language].format(n=page * 10 + one, s=page % 40 + 1) for one in range(PER_PAGE[language])]
    pieces.append("## Sources\n\n")
    pieces += [f"- [{n}] Source {n} — <https://example.org/{n}> · sha256 `{n:012x}`\n" for n in range(1, 41)]
    return "".join(pieces)


async def lateness(make: Callable[[], Awaitable[bytes]], pool: Chromium) -> tuple[bytes, float, float, float, int]:
    """What is made; seconds; processor seconds; milliseconds by which the loop was late at worst; the browser's MB."""
    worst, most, looks = 0.0, 0, 0

    async def watch() -> None:
        nonlocal worst, most, looks
        while True:
            looks += 1
            if looks % MEMORY_LOOKS == 0:
                most = max(most, await anyio.to_thread.run_sync(megabytes, pool.pid))
            before = time.perf_counter()
            await anyio.sleep(LOOK_SECONDS)
            worst = max(worst, time.perf_counter() - before - LOOK_SECONDS)

    started, before_it = time.perf_counter(), processor_seconds(pool.pid)
    async with anyio.create_task_group() as tg:
        tg.start_soon(watch)
        made = await make()
        seconds = time.perf_counter() - started
        tg.cancel_scope.cancel()
    return made, seconds, processor_seconds(pool.pid) - before_it, worst * 1000, most


async def main(sizes: tuple[int, ...]) -> None:
    browser = find_browser().browser
    if browser is None:
        raise SystemExit("no browser was found on this machine")
    pool = Chromium(lambda: browser.path)
    printer = PagePrinter(pool)
    style = whole_stylesheet(STYLE)
    names = ("characters", 11), ("pages", 7), ("KB", 8), ("s", 8), ("cpu s", 8), ("late ms", 9), ("own MB", 8)
    head = "".join(f"{name:>{width}}" for name, width in (*names, ("browser MB", 12)))
    sys.stdout.write(f"{'format':8}{'language':10}{head}\n")
    async with printer.running():
        await printer("<p>x</p>", "", "")
        for size in sizes:
            for language in QUOTES:
                text = long_report(language, size)

                async def printed(text: str = text, language: Language = language) -> bytes:
                    make = partial(paper, text, "A long report", language, note=None, style=style)
                    return await pdf(await anyio.to_thread.run_sync(make), printer)

                async def written(text: str = text, language: Language = language) -> bytes:
                    make = partial(word, text, "A long report", language, note=None, written_at=datetime.now(UTC))
                    return await anyio.to_thread.run_sync(make)

                for name, make in (("docx", written), ("pdf", printed)):
                    made, seconds, processor, late, browsers = await lateness(make, pool)
                    pages = len(PdfReader(BytesIO(made)).pages) if name == "pdf" else 0
                    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
                    sys.stdout.write(
                        f"{name:8}{language:10}{len(text):>11}{pages or '':>7}{len(made) // 1024:>8}"
                        f"{seconds:>8.1f}{processor:>8.1f}{late:>9.0f}{peak:>8}{browsers or '':>12}\n"
                    )
                    sys.stdout.flush()


if __name__ == "__main__":
    anyio.run(main, tuple(map(int, sys.argv[1:])) or PAGES)
