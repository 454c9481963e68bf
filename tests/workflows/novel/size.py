"""A novel of full length: how long its checks and its books take, and what they find in a bible with planted faults.

    python -m tests.workflows.novel.size --chapters 300

prints one JSON object; `epubcheck` is asked where it is installed.
"""

import argparse
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import orjson

from server.workflows.novel.downloads import epub_of, txt_of
from server.workflows.novel.review import review
from tests.workflows.novel.bibles import CHINESE, ENGLISH, PLANTED, Content, bible_of, changed
from tests.workflows.novel.running import Shelf

CHARACTERS = 3000
AT_ONCE = 50
_LETTERS = "山水风雨花月星云江海天地春夏秋冬东西南北红绿青白石木火金大小长短来去看听走坐说笑问答门窗灯路桥船马鸟"


def chapter(number: int, chance: random.Random) -> str:
    """Sentences of random characters, with some of the people in them."""
    lines: list[str] = []
    while sum(map(len, lines)) < CHARACTERS:
        words = "".join(chance.choices(_LETTERS, k=chance.randint(6, 20)))
        lines.append(chance.choice(["林晓雨", "周正海", "他", "她", "夜里"]) + words + "。")
    return "\n\n".join("".join(lines[start : start + 6]) for start in range(0, len(lines), 6))


def found_of_planted(content: Content) -> tuple[int, int]:
    """How many of the contradictions that are planted in a bible are found, and of how many; each alone."""
    own = [planted for planted in PLANTED if planted[2] is content]
    found = 0
    for code, where, _, change, _ in own:
        found += any(one.code == code and where in one.about for one in review(changed(content, change)))
    return found, len(own)


def timed(call: Callable[[], Any]) -> tuple[Any, float]:
    began = time.perf_counter()
    return call(), round(time.perf_counter() - began, 2)


async def written(chapters: int) -> dict[str, Any]:
    """An export of a novel that is written in full."""
    shelf, chance = Shelf(), random.Random(1)  # noqa: S311 - nobody has to be unable to guess it
    frame = {"title": "长夜", "chapters": chapters, "words_per_chapter": CHARACTERS}
    await shelf.run(frame=frame)
    people = CHINESE["characters"]
    await shelf.run(task_type="import", bible={"characters": people})
    for start in range(1, chapters + 1, AT_ONCE):
        numbers = range(start, min(start + AT_ONCE, chapters + 1))
        texts = [{"number": number, "text": chapter(number, chance)} for number in numbers]
        await shelf.run(task_type="import", bible={"texts": texts})
    return await shelf.run(task_type="export")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.workflows.novel.size", description=__doc__)
    parser.add_argument("--chapters", type=int, default=300)
    given = parser.parse_args()
    result = anyio.run(written, given.chapters)
    bible = bible_of(
        {name: value for name, value in result["bible"].items() if name not in ("revision", "written", "schedule")}
    )
    findings, review_seconds = timed(lambda: review(bible))
    book, epub_seconds = timed(lambda: epub_of(result))
    text, txt_seconds = timed(lambda: txt_of(result))
    told: dict[str, Any] = {
        "chapters": len(result["book"]["chapters"]),
        "characters": sum(len(one["text"]) for one in result["bible"]["texts"]),
        "review_seconds": review_seconds,
        "findings": len(findings),
        "epub": {"seconds": epub_seconds, "bytes": len(book)},
        "txt": {"seconds": txt_seconds, "bytes": len(text)},
        "planted_found": {"zh": found_of_planted(CHINESE), "en": found_of_planted(ENGLISH)},
        "false_alarms": {"zh": len(review(bible_of(CHINESE))), "en": len(review(bible_of(ENGLISH)))},
        "epubcheck": _epubcheck(book),
    }
    sys.stdout.write(orjson.dumps(told, option=orjson.OPT_INDENT_2).decode() + "\n")


def _epubcheck(book: bytes) -> str:
    """Its last word."""
    there = shutil.which("epubcheck")
    if there is None:
        return "not installed"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "book.epub"
        path.write_bytes(book)
        jar = str(Path(there).resolve())
        ran = subprocess.run(["java", "-jar", jar, str(path)], capture_output=True, text=True)
    return next((line for line in (ran.stdout + ran.stderr).splitlines() if "errors" in line), f"exit {ran.returncode}")


if __name__ == "__main__":
    main()
