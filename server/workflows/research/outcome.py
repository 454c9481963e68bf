"""What a run comes to: which questions are answered, how complete it is, and the structured result."""

from dataclasses import dataclass, field
from typing import Any

from server.workflows.research.params import ResearchParams


@dataclass
class Findings:
    """What the steps' records have brought so far. Built from records alone, so a second run builds the same."""

    sources: dict[str, dict[str, Any]] = field(default_factory=dict)
    passages: list[dict[str, Any]] = field(default_factory=list)
    chosen: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    failed: list[dict[str, Any]] = field(default_factory=list)
    skipped: set[str] = field(default_factory=set)
    searches: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """``status``: ``complete``, ``partial`` or ``no_evidence``; ``facts`` are what the report says about itself."""

    status: str
    questions: list[dict[str, Any]]
    unanswered: list[dict[str, Any]]
    needs_model: list[str]
    counts: dict[str, int]
    facts: dict[str, Any]

    def result(
        self, params: ResearchParams, language: str, findings: Findings, cited: dict[str, Any], scores: dict[str, Any]
    ) -> dict[str, Any]:
        return {
            "engine": "embedded",
            "needs_model": self.needs_model,
            "status": self.status,
            "language": language,
            "question": params.query,
            "questions": self.questions,
            "evidence": [{key: one[key] for key in one if key != "part"} for one in cited["evidence"]],
            "sources": [{key: source[key] for key in source if key != "markup"} for source in cited["sources"]],
            "failed_sources": findings.failed,
            "scores": scores,
            "counts": self.counts,
        }


def of(
    params: ResearchParams,
    language: str,
    questions: list[dict[str, Any]],
    findings: Findings,
    library: dict[str, Any] | None,
    cited: dict[str, Any],
    pages_read: int,
    searched: dict[str, Any],
) -> Outcome:
    answered = {one["question"] for one in cited["evidence"]} | cited["above"].keys()
    told = [
        {**{key: question[key] for key in ("id", "text", "goal")}, "answered": question["id"] in answered}
        for question in questions
    ]
    unanswered = [{**one, "skipped": one["id"] in findings.skipped} for one in told if not one["answered"]]
    pages_failed = sum(one["kind"] == "url" for one in findings.failed)
    status = "no_evidence" if not answered else "partial" if unanswered or pages_failed else "complete"
    needs = _needs_model(params, language, cited)
    counts = {
        "questions": len(told),
        "searches": findings.searches,
        "pages_read": pages_read,
        "pages_failed": pages_failed,
        "documents_searched": library["documents"] if library else 0,
        "quotes": len(cited["evidence"]),
        "sources": len(cited["sources"]),
        **{key: searched[key] for key in ("searched", "found_read", "found_failed") if searched},
    }
    facts = {
        **counts,
        "library": library,
        "web": params.sources.web,
        "academic": params.sources.academic,
        "images": params.images,
        "needs_model": needs,
        "status": status,
        "unreadable": [one for one in findings.failed if one["kind"] == "library"],
        "providers": searched.get("providers", {}),
        "providers_failed": searched.get("providers_failed", []),
    }
    return Outcome(status, told, unanswered, needs, counts, facts)


def _needs_model(params: ResearchParams, language: str, cited: dict[str, Any]) -> list[str]:
    needs = ["writing", "planning", "judgement"]
    if params.instructions:
        needs.append("instructions")
    if any(one["language"] != language for one in cited["evidence"]):
        needs.append("translation")
    return needs
