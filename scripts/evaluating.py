"""Measure the embedded research engine: a folder of documents and a file of questions → a table of figures.

    scripts/eval_research FOLDER QUESTIONS.json [--set dev|held-out] [--json]
    scripts/eval_research --debian [--copy-to FOLDER]
    scripts/eval_research --debian --headings 40

QUESTIONS.json: `{"questions": [{"id", "set", "query", "documents": [paths in FOLDER; empty: there is no answer]}]}`.
`--debian` gathers the documentation packages that are installed here (python3-doc, debian-handbook,
debian-reference-en, debian-reference-zh-cn, debian-policy, maint-guide-zh-cn, debian-faq-zh-cn, debmake-doc) and takes
the questions of tests/data.

`--headings` asks headings of the documents that are questions, word for word, as many from each folder and language as
are given; the answer has to be quoted from the very section. With `--debian` these are the FAQs of Python (python3-doc)
and Debian (debian-faq, debian-faq-zh-cn).

Each quote is looked for in its source by other means than those that took it out: for HTML, lxml's text of the page.
Each question is asked of an empty library too, where nothing but "no evidence" and no quote at all is honest. It ends
with status 1 if a citation leads nowhere, a quote is not in its source, or the empty library gave an answer.
"""

import argparse
import json
import random
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import anyio  # noqa: E402 - the path comes first
from lxml import html  # noqa: E402

from server.sources.fetch import Fetcher  # noqa: E402
from server.sources.library import Library  # noqa: E402
from server.workflows.rehearsal import RehearsalContext  # noqa: E402
from server.workflows.research.workflow import research_workflow  # noqa: E402

DEBIAN_QUESTIONS = ROOT / "tests/data/debian_questions.json"
DEBIAN = (
    ("python/library", "/usr/share/doc/python3.11/html/library", "*.html"),
    ("python/howto", "/usr/share/doc/python3.11/html/howto", "*.html"),
    ("python/tutorial", "/usr/share/doc/python3.11/html/tutorial", "*.html"),
    ("handbook-en", "/usr/share/doc/debian-handbook/html/en-US", "*.html"),
    ("handbook-zh", "/usr/share/doc/debian-handbook/html/zh-CN", "*.html"),
    ("reference", "/usr/share/debian-reference", "*.en.html"),
    ("reference", "/usr/share/debian-reference", "*.zh-cn.html"),
    ("policy", "/usr/share/doc/debian-policy", "*.html"),
    ("maint", "/usr/share/doc/maint-guide-zh-cn/html", "*.html"),
    ("maint", "/usr/share/doc/debian/FAQ/zh-cn", "*.html"),
    ("maint", "/usr/share/doc/debmake-doc/html", "*.zh-cn.html"),
)
FAQS = (
    ("python/faq", "/usr/share/doc/python3.11/html/faq", "*.html"),
    ("debian-faq-en", "/usr/share/doc/debian/FAQ", "*.en.html"),
    ("debian-faq-zh", "/usr/share/doc/debian/FAQ/zh-cn", "*.html"),
)
RIGHT_AMONG = 3
SEED = 7
_NUMBER = re.compile(r"^(?:Chapter |第 )?\d+(?:\.\d+)*\.? ?章?\W*")


@dataclass(frozen=True)
class Outcome:
    """One question's figures. ``rank``: place of the first right document in the source list, None if there is none."""

    id: str
    query: str
    wanted: bool
    status: str
    rank: int | None
    quotes: int
    found_again: int
    fabricated: float
    matched: float
    """The share of quotes that stood in their sources when the task itself compared them."""
    cited: float
    """The share of quoted sentences that carry a citation."""
    duplicates: int
    """How many of its sources have the same content as another one."""
    seconds: float
    first: str

    @property
    def good(self) -> bool:
        if not self.wanted:
            return self.status == "no_evidence"
        return self.rank is not None and self.rank <= RIGHT_AMONG


def gather_debian(folder: Path, places: Sequence[tuple[str, str, str]] = DEBIAN) -> int:
    count = 0
    for inside, place, pattern in places:
        for page in sorted(Path(place).glob(pattern)):
            target = folder / inside / page.name
            target.parent.mkdir(parents=True, exist_ok=True)
            if page.is_file() and not target.exists():
                shutil.copyfile(page, target)
                count += 1
    return count


def visible_text(path: Path) -> str:
    """The page's text by another way than the library's: all of it, white space collapsed."""
    if path.suffix.lower() in (".html", ".htm", ".xhtml"):
        return " ".join(str(html.fromstring(path.read_bytes()).text_content()).split())
    return " ".join(path.read_text("utf-8", "replace").split())


def question_headings(folder: Path, most: int) -> list[str]:
    """Headings that are questions, without their numbers: ``most`` of those under one folder, always the same ones."""
    found: dict[str, None] = {}
    for page in sorted(folder.rglob("*.html")):
        for heading in html.fromstring(page.read_bytes()).xpath("//h2|//h3"):
            text = _NUMBER.sub("", " ".join(heading.text_content().split()).rstrip("¶ "))
            if text.endswith(("?", "？")):
                found[text] = None
    headings = list(found)
    random.Random(SEED).shuffle(headings)  # noqa: S311 - a sample, the same each time
    return headings[:most]


async def ask_headings(folder: Path, most: int) -> str:
    """One line for each folder that has such headings: how many were answered from their own section."""
    library = Library(folder)
    await library.refresh()
    workflow = research_workflow(library, Fetcher())
    lines = [f"{'folder':24}{'asked':>7}{'from the section':>18}{'first':>7}{'no evidence':>13}"]
    for inside in sorted({page.parent for page in folder.rglob("*.html")}):
        headings = question_headings(inside, most)
        own = first = none = 0
        for heading in headings:
            params = workflow.params.model_validate({"query": heading, "breadth": 1})
            result: Any = await workflow.run(RehearsalContext(), params)
            fit = [any(heading in above for above in one["headings"]) for one in result["evidence"]]
            own, first, none = own + any(fit), first + (fit[:1] == [True]), none + (not fit)
        if headings:
            name = inside.relative_to(folder).as_posix()
            lines.append(f"{name:24}{len(headings):>7}{own:>18}{first:>7}{none:>13}")
    return "\n".join(lines)


async def ask(library: Library, question: dict[str, Any], texts: dict[str, str]) -> Outcome:
    workflow = research_workflow(library, Fetcher())
    context = RehearsalContext()
    started = time.perf_counter()
    result: Any = await workflow.run(context, workflow.params.model_validate({"query": question["query"]}))
    seconds = time.perf_counter() - started
    paths = {source["n"]: source["path"] for source in result["sources"]}
    ranks = [n for n, path in paths.items() if path in question["documents"]]
    again = 0
    for one in result["evidence"]:
        path = paths[one["source"]]
        if path not in texts:
            texts[path] = visible_text(library.root / path)
        again += one["quote"] in texts[path]
    return Outcome(
        id=question["id"],
        query=question["query"],
        wanted=bool(question["documents"]),
        status=result["status"],
        rank=min(ranks, default=None),
        quotes=len(result["evidence"]),
        found_again=again,
        fabricated=result["scores"]["fabricated_citation_rate"],
        matched=result["scores"]["quote_match_rate"],
        cited=result["scores"]["cited_sentence_share"],
        duplicates=result["scores"]["duplicate_sources"],
        seconds=seconds,
        first=paths.get(1, ""),
    )


async def ask_nothing(questions: Sequence[dict[str, Any]]) -> int:
    """How many of the questions are answered by "no evidence" and no quote where there are no documents at all."""
    honest = 0
    with tempfile.TemporaryDirectory() as empty:
        for question in questions:
            one = await ask(Library(Path(empty)), question, {})
            honest += one.status == "no_evidence" and one.quotes == 0
    return honest


def table(outcomes: list[Outcome], documents: int, index_seconds: float, honest: int) -> str:
    lines = [f"{'id':8}{'status':13}{'rank':>5}{'quotes':>8}{'again':>7}{'s':>7}  first source", ""]
    for one in outcomes:
        rank = "-" if one.rank is None else str(one.rank)
        mark = " " if one.good else "✗"
        figures = f"{one.id:8}{one.status:13}{rank:>5}{one.quotes:>8}{one.found_again:>7}{one.seconds:>7.2f}"
        lines.append(f"{figures} {mark}{one.first or '·'}")
    wanted = [one for one in outcomes if one.wanted]
    off = [one for one in outcomes if not one.wanted]
    quotes = sum(one.quotes for one in outcomes)
    lines += [
        "",
        f"documents                         {documents} (read and indexed in {index_seconds:.1f} s)",
        f"right document among the first {RIGHT_AMONG}  {sum(one.good for one in wanted)} of {len(wanted)}",
        f"right document first              {sum(one.rank == 1 for one in wanted)} of {len(wanted)}",
        f"off-topic: no evidence            {sum(one.good for one in off)} of {len(off)}",
        f"quotes found again in the source  {sum(one.found_again for one in outcomes)} of {quotes}",
        f"empty library: no evidence        {honest} of {len(outcomes)}",
        f"quotes matched by the task itself {min((one.matched for one in outcomes), default=1.0):.0%} at least",
        f"sentences with a citation         {min((one.cited for one in outcomes), default=1.0):.0%} at least",
        f"sources that repeat another       {sum(one.duplicates for one in outcomes)}",
        f"fabricated citations              {max((one.fabricated for one in outcomes), default=0.0):.0%}",
        f"slowest question                  {max((one.seconds for one in outcomes), default=0.0):.2f} s",
    ]
    return "\n".join(lines)


async def evaluate(folder: Path, questions: list[dict[str, Any]], as_json: bool) -> int:
    library = Library(folder)
    started = time.perf_counter()
    catalogue = await library.refresh()
    seconds = time.perf_counter() - started
    texts: dict[str, str] = {}
    outcomes = [await ask(library, question, texts) for question in questions]
    honest = await ask_nothing(questions)
    if as_json:
        print(json.dumps([{**vars(one), "good": one.good} for one in outcomes], ensure_ascii=False, indent=1))
    else:
        print(table(outcomes, len(catalogue.index.entries), seconds, honest))
    verbatim = all(one.quotes == one.found_again and one.fabricated == 0 for one in outcomes)
    return 0 if verbatim and honest == len(questions) else 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, help="folder of documents")
    parser.add_argument("questions", nargs="?", type=Path, default=DEBIAN_QUESTIONS, help="file of questions")
    parser.add_argument("--debian", action="store_true", help="use the installed Debian documentation packages")
    parser.add_argument("--copy-to", type=Path, help="with --debian: gather the documents there, ask nothing")
    parser.add_argument("--set", choices=("dev", "held-out"), help="only the questions of this set")
    parser.add_argument("--headings", type=int, metavar="N", help="ask N headings of each folder instead")
    parser.add_argument("--json", action="store_true", help="figures as JSON")
    options = parser.parse_args()
    if options.folder is None and not options.debian:
        parser.error("name a folder of documents, or --debian")
    if options.copy_to is not None:
        print(f"{gather_debian(options.copy_to)} documents gathered in {options.copy_to}")
        return 0
    questions = json.loads(options.questions.read_text("utf-8"))["questions"]
    questions = [one for one in questions if options.set in (None, one.get("set"))]
    with tempfile.TemporaryDirectory() as gathered:
        folder = options.folder
        if folder is None:
            folder = Path(gathered)
            gather_debian(folder, DEBIAN if options.headings is None else FAQS)
        if options.headings is not None:
            print(anyio.run(ask_headings, folder, options.headings))
            return 0
        return anyio.run(evaluate, folder, questions, options.json)


if __name__ == "__main__":
    sys.exit(main())
