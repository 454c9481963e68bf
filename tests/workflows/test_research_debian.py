"""Real documents: Debian's documentation packages, where they are installed."""

import json
import re
from pathlib import Path

import pytest

from scripts import evaluating as tool
from server.sources.library import Library

SMALL_LIBRARY = Path(__file__).parents[1] / "data/library"
LEAST_DOCUMENTS = 200
LEAST_HITS = 0.8


async def test_questions_over_real_documents(tmp_path: Path) -> None:
    """The right document is among the first three, each quote is found again, off-topic questions find nothing."""
    if tool.gather_debian(tmp_path) < LEAST_DOCUMENTS:
        pytest.skip("Debian's documentation packages are not installed here; scripts/eval_research names them")
    questions = json.loads(tool.DEBIAN_QUESTIONS.read_text("utf-8"))["questions"]
    known = [one for one in questions if all((tmp_path / path).exists() for path in one["documents"])]
    library = Library(tmp_path)
    texts: dict[str, str] = {}
    outcomes = [await tool.ask(library, question, texts) for question in known]
    wanted = [one for one in outcomes if one.wanted]
    assert sum(one.good for one in wanted) >= LEAST_HITS * len(wanted)
    assert all(one.good for one in outcomes if not one.wanted)
    assert all(one.quotes == one.found_again and one.fabricated == 0 for one in outcomes)


async def test_the_figures_of_a_small_library(capsys: pytest.CaptureFixture[str]) -> None:
    """Printed for any folder and questions: fabricated and matched quotes, citations, repeated sources, honesty."""
    questions = [
        {"id": "a", "query": "How is a kettle descaled?", "documents": ["kettles.md"]},
        {"id": "b", "query": "What is the capital of Mongolia?", "documents": []},
    ]
    assert await tool.evaluate(SMALL_LIBRARY, questions, False) == 0
    figures = dict(re.findall(r"^(\S.*?)  +(\S.*)$", capsys.readouterr().out, re.MULTILINE))
    assert figures["fabricated citations"] == "0%"
    assert figures["off-topic: no evidence"] == "1 of 1"
    assert figures["empty library: no evidence"] == "2 of 2"
    assert figures["sentences with a citation"] == "100% at least"
    assert figures["sources that repeat another"] == "0"
    found, _, quotes = figures["quotes found again in the source"].partition(" of ")
    assert int(found) == int(quotes) > 0


async def test_headings_of_real_faqs_are_answered_from_their_sections(tmp_path: Path) -> None:
    """Asked word for word."""
    if tool.gather_debian(tmp_path, tool.FAQS) == 0:
        pytest.skip("no FAQ is installed here; scripts/eval_research names the packages")
    _, *lines = (await tool.ask_headings(tmp_path, 15)).splitlines()
    for line in lines:
        name, asked, own, *_ = line.split()
        assert int(own) >= LEAST_HITS * int(asked), name
