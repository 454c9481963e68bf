"""An endpoint with a model behind it that researches: what it replies depends on what it is shown.

It copies its quotes out of the sources in its prompt, so it is an honest researcher as long as it is not told to lie.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
from anyio import fail_after

from server.llm.scripted import Rule
from server.sources.fetch import Fetcher
from server.sources.library import Library
from server.sources.providers.roster import Providers
from server.workflows.rehearsal import RehearsalContext
from server.workflows.research.workflow import research_workflow
from tests.llm.endpoint import Served, listening

QUERY = "How do I descale a kettle?"
LOOPBACK = ("127.0.0.1",)

STAGES = {
    "scope": "Say in 2 to 5 lines",
    "plan": "Plan at most",
    "learn": "List at most",
    "gaps": "Which questions are still open",
    "outline": "Outline a report",
    "section": "Write the section",
    "summary": "Write its short answer",
}
_FENCED = re.compile(r"<data (\S+) (\w+)>\n(.*?)\n</data \2>", re.DOTALL)
_SENTENCE = re.compile(r"[^.。\n]{15,}[.。]")
_EVIDENCE = re.compile(r"(E\d+) \[(S\d+)\] (.*)\n   quote: “(.*)”")

Reply = Callable[[str, str], str]
"""From the stage and the prompt's last message to what the model replies."""


def stage_of(prompt: str) -> str:
    """The stage that a prompt belongs to; what the model is told to go on with is of none."""
    return next((stage for stage, mark in STAGES.items() if mark in prompt), "")


def honest(stage: str, prompt: str) -> str:
    """What a good model would reply."""
    match stage:
        case "scope":
            return _json(brief="What is asked for, in a few lines.")
        case "plan":
            asked = prompt.partition("\n")[0].removeprefix("The question: ")
            other = f"What speaks against it: {asked}"
            return _json(
                questions=[
                    {"question": asked, "goal": "a direct answer", "queries": [asked]},
                    {"question": other, "goal": "criticism", "queries": [asked]},
                ]
            )
        case "learn":
            return _json(statements=list(_statements(prompt)))
        case "gaps":
            return _json(questions=[])
        case "outline":
            ids = [found[1] for found in _EVIDENCE.finditer(prompt)]
            half = (len(ids) + 1) // 2
            parts = [("What is known", ids[:half]), ("What speaks against it", ids[half:])]
            return _json(sections=[{"heading": name, "goal": "", "evidence": own} for name, own in parts if own])
        case "section":
            told = ((one[4].rstrip(".。"), one[2]) for one in _EVIDENCE.finditer(prompt))
            return " ".join(f"It is known that {quote} [{source}]." for quote, source in told)
        case "summary":
            marks = sorted(set(re.findall(r"\[S\d+\]", prompt)))
            return f"In short, this is known {marks[0] if marks else ''}."
    return "Indeed."


def _statements(prompt: str) -> Iterator[dict[str, str]]:
    for name, _, text in _FENCED.findall(prompt):
        for number, found in enumerate(_SENTENCE.finditer(text.partition("\n\n")[2])):
            if number < 3:
                quote = found[0].strip()
                yield {"source": name, "statement": f"The source says: {quote}", "quote": quote}


def _json(**value: Any) -> str:
    return orjson.dumps(value).decode()


class Researcher(Served):
    """``stages`` has the stage of each call, in order. ``faulty``: rules by stage, each for one call of it.
    ``slow``: how replies of a stage are sent.
    """

    def __init__(self, reply: Reply = honest, rule: Rule | None = None) -> None:
        super().__init__([])
        self.reply, self.rule = reply, rule or Rule(piece=40)
        self.faulty: dict[str, list[Rule]] = {}
        self.slow: dict[str, Rule] = {}
        self.stages: list[str] = []

    def _rule_for(self, body: dict[str, Any]) -> Rule | None:
        last = str(body["messages"][-1]["content"])
        stage = next((found for m in reversed(body["messages"]) if (found := stage_of(str(m["content"])))), "")
        self.stages.append(stage)
        rule = replace(self.slow.get(stage, self.rule), reply=self.reply(stage if stage_of(last) else "", last))
        if self.faulty.get(stage):
            fault = self.faulty[stage].pop(0)
            return fault if fault.reply else replace(fault, reply=rule.reply)
        return rule


def serving_researcher(reply: Reply = honest, rule: Rule | None = None) -> AbstractContextManager[Researcher]:
    """The endpoint, for the length of a with-block."""
    return listening(Researcher(reply, rule))


async def research(
    folder: Path | Library,
    served: Researcher,
    context: RehearsalContext | None = None,
    *,
    client: Any = None,
    providers: Providers | None = None,
    **params: Any,
) -> tuple[Any, RehearsalContext]:
    """One run with the endpoint's model over a library: its result, and the context that it ran in."""
    library = folder if isinstance(folder, Library) else Library(folder)
    workflow = research_workflow(library, Fetcher(LOOPBACK), providers, model=client or served.client())
    context = context or RehearsalContext()
    with fail_after(60):
        return await workflow.run(context, workflow.params.model_validate({"query": QUERY, **params})), context
