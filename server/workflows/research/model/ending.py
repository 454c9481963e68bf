"""What stands below the report, and the result: gaps, sources, how it was made, and figures found without a model."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from server.llm.base import Model
from server.reports.markdown import literal
from server.sources.sentences import sentences
from server.workflows.base import Step
from server.workflows.research import digest
from server.workflows.research.model.gathering import Gathering
from server.workflows.research.model.knowledge import Knowledge
from server.workflows.research.model.marks import citations_in, without_marks
from server.workflows.research.model.steps import Steps
from server.workflows.research.model.writing import Writing
from server.workflows.research.params import ResearchParams
from server.workflows.research.phrases import say

MOST_TOLD = 10
_MARKS_AFTER = re.compile(r"([.!?。！？])(\s*(?:\[\d+\]\s*)+)")
_MARK = re.compile(r"\[\d+\]")


class Ending:
    """The last parts of a report with a model, and its result."""

    def __init__(
        self,
        steps: Steps,
        params: ResearchParams,
        language: str,
        knowledge: Knowledge,
        gathering: Gathering,
        writing: Writing,
    ) -> None:
        self._steps, self._params, self._language = steps, params, language
        self._knowledge, self._gathering, self._writing = knowledge, gathering, writing

    def _say(self, phrase: str, **values: Any) -> str:
        return say(self._language, phrase, **values)

    async def run(self, brief: str, questions: list[dict[str, Any]], failures: list[dict[str, str]]) -> dict[str, Any]:
        answered = self._knowledge.answered
        told = [{**question, "answered": question["id"] in answered} for question in questions]
        unanswered = [one for one in told if not one["answered"]]
        pages_failed = [one for one in self._gathering.failed if one["kind"] == "url"]
        incomplete = bool(unanswered or pages_failed or failures or self._gathering.skipped)
        status = "no_evidence" if not answered else "partial" if incomplete else "complete"
        scores = self._scores()
        sources = self._sources()
        pieces = {
            "gaps": list(self._gaps(unanswered, pages_failed, failures)),
            "sources": list(self._source_list(sources)) if self._params.references and sources else [],
            "method": list(self._method(status, scores)),
        }
        for part, texts in pieces.items():
            if texts:
                await self._put(part, texts)
        return {
            "engine": "llm",
            "needs_model": [],
            "models": self._steps.model.identity | self._asked_models(),
            "status": status,
            "language": self._language,
            "question": self._params.query,
            "brief": brief,
            "questions": told,
            "evidence": [
                {**asdict(one), "source": self._writing.numbers.get(one.source)} for one in self._knowledge.evidence
            ],
            "unverified": self._knowledge.unverified,
            "sources": sources,
            "failed_sources": self._gathering.failed,
            "incomplete": failures,
            "scores": scores,
            "counts": self._counts(),
            "spent": self._steps.budget.to_json(),
        }

    def _asked_models(self) -> dict[str, str]:
        named = {"name": self._params.model, "thinking": self._params.thinking_model or self._params.model}
        return {key: name for key, name in named.items() if name}

    async def _put(self, part: str, texts: list[str]) -> None:
        async def work(step: Step) -> None:
            for text in texts:
                await step.output(part, text)

        await self._steps.plain(f"write:{part}", work, texts, label=self._say("step_finish"))

    def _sources(self) -> list[dict[str, Any]]:
        """Those that evidence rests on, by their numbers."""
        cited = set(citations_in("\n".join(self._writing.text.values())))
        return [
            {"n": number, "cited": number in cited, **self._knowledge.sources[name]}
            for name, number in sorted(self._writing.numbers.items(), key=lambda one: one[1])
        ]

    def _gaps(
        self, unanswered: list[dict[str, Any]], failed: list[dict[str, Any]], failures: list[dict[str, str]]
    ) -> Iterator[str]:
        asked = [without_marks(one["text"], self._language) for one in unanswered]
        lines = [self._say("unanswered", question=literal(question)) for question in asked]
        lines += [
            self._say("failed_source", name=literal(one["url"]), message=literal(one["message"].rstrip(".。")))
            for one in failed
        ]
        if self._gathering.skipped:
            lines.append(self._say("time_spent"))
        lines += [
            self._say("incomplete", step=f"`{one['step']}`", code=f"`{one['code']}`") for one in failures[:MOST_TOLD]
        ]
        if self._knowledge.unverified:
            lines.append(self._say("unverified_statements", count=len(self._knowledge.unverified)))
        yield f"## {self._say('gaps')}\n\n"
        yield "".join(f"- {line}\n" for line in lines or [self._say("no_gaps")]) + "\n"

    def _source_list(self, sources: list[dict[str, Any]]) -> Iterator[str]:
        cited = [source for source in sources if source["cited"]]
        others = [source for source in sources if not source["cited"]]
        if cited:
            yield from digest.source_list({"sources": cited}, self._language)
        if others:
            yield f"{self._say('also_read')}\n\n{''.join(digest.source_lines(others))}\n"

    def _method(self, status: str, scores: dict[str, Any]) -> Iterator[str]:
        """Nothing here depends on how long it took or on how often it was interrupted; the result tells that."""
        counts, library, language = self._counts(), self._gathering.library, self._language
        models = self._steps.model.identity | self._asked_models()
        yield f"## {self._say('method')}\n\n"
        named = dict.fromkeys([models["name"], models["thinking"]])
        lines = [self._say("model_engine", models="、".join(named) if language == "zh" else ", ".join(named))]
        if library is None:
            lines.append(self._say("method_no_library"))
        else:
            shown = {key: library[key] for key in ("documents", "duplicates", "unreadable")}
            digest_ = f"`{library['digest'][:12]}`"
            lines.append(self._say("method_library", name=f"`{library['name']}`", digest=digest_, **shown))
        if self._params.sources.web and not self._gathering.asked:
            lines.append(self._say("method_web"))
        elif self._gathering.asked:
            lines.append(self._say("model_web", names=", ".join(sorted(self._gathering.asked))))
        lines.append(self._say("model_counts", **counts))
        if failed := [one for one in self._gathering.failed if one["kind"] == "provider"]:
            told = [
                self._say("unreadable_file", name=literal(one["url"]), message=literal(one["message"].rstrip(".。")))
                for one in failed
            ]
            lines.append(self._say("method_providers_failed", failures=("；" if language == "zh" else "; ").join(told)))
        if self._params.images:
            lines.append(self._say("no_images"))
        lines.append(self._say("model_checked", **scores["removed"], evidence=len(self._knowledge.evidence)))
        lines.append(self._say("status", status=self._say(status)))
        yield "".join(f"- {line}\n" for line in lines)

    def _counts(self) -> dict[str, int]:
        return {
            "searches": self._gathering.searches,
            "pages_read": self._gathering.pages_read,
            "pages_failed": sum(one["kind"] in ("url", "found") for one in self._gathering.failed),
            "documents_searched": self._gathering.library["documents"] if self._gathering.library else 0,
            "statements": len(self._knowledge.evidence),
            "sources": len(self._writing.numbers),
        }

    def _scores(self) -> dict[str, Any]:
        """Found in the finished text and the sources, without asking a model."""
        report = "\n\n".join(self._writing.text.values())
        marks = citations_in(report)
        known = set(self._writing.numbers.values())
        counts, evidence = self._writing.counts, self._knowledge.evidence
        told = len(evidence) + len(self._knowledge.unverified)
        standing = sum(self._knowledge.stands(one.quote) for one in evidence)
        prose = list(_sentences(report))
        contents = Counter(self._knowledge.sources[name]["sha256"] for name in self._writing.numbers)
        return {
            "fabricated_citation_rate": _share(sum(mark not in known for mark in marks), len(marks), 0.0),
            "quote_match_rate": _share(
                standing + counts.quotes - counts.unverified, len(evidence) + counts.quotes - counts.unverified, 1.0
            ),
            "model_quote_match_rate": _share(len(evidence), told, 1.0),
            "cited_sentence_share": _share(sum(_MARK.search(one) is not None for one in prose), len(prose), 1.0),
            "duplicate_sources": sum(count - 1 for count in contents.values()),
            "removed": {
                "citations": counts.rejected_citations,
                "links": counts.removed_links,
                "unverified_quotes": counts.unverified,
                "statements": len(self._knowledge.unverified),
            },
        }


async def plan_only(
    steps: Steps, params: ResearchParams, language: str, brief: str, questions: list[dict[str, Any]], model: Model
) -> dict[str, Any]:
    """The plan as the result, in the form in which it can be sent again, edited, as ``plan``."""
    plan = [{"question": one["text"], "goal": one["goal"], "queries": one["queries"]} for one in questions]

    async def work(step: Step) -> None:
        await step.output("plan", f"## {say(language, 'plan')}\n\n{literal(' '.join(brief.split()))}\n\n")
        for number, one in enumerate(plan, 1):
            goal = f" — {literal(one['goal'])}" if one["goal"] else ""
            await step.output("plan", f"{number}. {literal(one['question'])}{goal}\n")

    await steps.plain("write:plan", work, plan, label=say(language, "step_plan"))
    return {
        "engine": "llm",
        "needs_model": [],
        "models": model.identity,
        "status": "plan",
        "language": language,
        "question": params.query,
        "brief": brief,
        "plan": plan,
        "spent": steps.budget.to_json(),
    }


def _sentences(report: str) -> Iterator[str]:
    """Those of the prose, each with the citations that follow it."""
    for line in report.splitlines():
        text = _MARKS_AFTER.sub(lambda found: f" {found[2].strip()}{found[1]} ", line.strip("> -*"))
        if text and not line.startswith("#"):
            yield from (text[start:end] for start, end in sentences(text))


def _share(part: int, whole: int, otherwise: float) -> float:
    return round(part / whole, 4) if whole else otherwise
