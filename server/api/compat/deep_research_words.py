"""The deep-research API's parameters under Holdfast's names, and what of them has no effect here, in words."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from server.errors import FieldError, InvalidParameters

NAMES = {
    "query": "query",
    "maxResult": "max_results",
    "enableReferences": "references",
    "enableCitationImage": "images",
    "thinkingModel": "thinking_model",
    "taskModel": "model",
}
LANGUAGES = {"en": "en", "zh": "zh", "english": "en", "chinese": "zh", "中文": "zh", "简体中文": "zh"}
PASSED_OVER = ("provider", "searchProvider", "temperature")
FOR_A_MODEL = ("thinkingModel", "taskModel", "promptOverrides")
STAGES = {
    "systemQuestionPrompt": "scope",
    "reportPlanPrompt": "plan",
    "serpQueriesPrompt": "plan",
    "queryResultPrompt": "learn",
    "searchResultPrompt": "learn",
    "searchKnowledgeResultPrompt": "learn",
    "reviewPrompt": "gaps",
    "outputGuidelinesPrompt": "write",
    "guidelinesPrompt": "write",
    "citationRulesPrompt": "write",
    "finalReportPrompt": "write",
    "finalReportCitationImagePrompt": "write",
    "finalReportReferencesPrompt": "write",
}
"""That API's prompts, by the stage at which Holdfast's model is told them; its `systemInstruction` is told at all."""
OVERRIDES = "promptOverrides"
STEPS = {
    "begin": "report-plan",
    "scope": "report-plan",
    "ground": "report-plan",
    "plan": "report-plan",
    "gaps": "serp-query",
    "find": "search-task",
    "fetch": "search-task",
    "search": "search-task",
    "read": "search-task",
    "learn": "search-task",
}
"""That API's steps, by the first word of Holdfast's; whatever else there is belongs to its `final-report`."""


def translated(given: Mapping[str, Any]) -> dict[str, Any]:
    """That API's parameters as Holdfast's.

    :raises InvalidParameters: some have no counterpart, or can't be read.
    """
    unknown = [name for name in given if name not in (*NAMES, "language", OVERRIDES, *PASSED_OVER)]
    if unknown:
        known = ", ".join([*NAMES, "language", OVERRIDES, *PASSED_OVER])
        raise InvalidParameters(f"Unknown: {', '.join(unknown)[:200]}. This address takes: {known}.")
    params = {NAMES[name]: value for name, value in given.items() if name in NAMES}
    params |= _overriding(given.get(OVERRIDES))
    language = given.get("language")
    if language is not None:
        if not isinstance(language, str):
            raise InvalidParameters(errors=[FieldError("language", "not_a_text", "Send a language, as en-US or zh.")])
        params["language"] = _known_language(language) or "auto"
    return params


def passed_over(given: Mapping[str, Any], model: str | None, providers: Sequence[str]) -> dict[str, str]:
    """What was given and has no effect, each with the reason.

    :param model: the server's; None where the task is done without one.
    :param providers: names of the search providers that are asked.
    """
    told: dict[str, str] = {}
    named = {name for name, value in given.items() if value not in (None, "")}
    without = "No model is asked: this server has none, so quotes are chosen by code."
    if "provider" in named:
        told["provider"] = without if model is None else f"The server's own endpoint is asked, for {model}."
    if "temperature" in named:
        told["temperature"] = without if model is None else "The endpoint's own temperature holds."
    if "searchProvider" in named:
        asked = ", ".join(providers) or "none; the library is searched"
        told["searchProvider"] = f"The server's own providers are asked: {asked}."
    if given.get("enableCitationImage") in (True, "true", "1"):
        told["enableCitationImage"] = "Images of the sources are not kept; their addresses are in the list of sources."
    if model is None:
        told |= {name: without for name in FOR_A_MODEL if name in named}
    language = given.get("language")
    if isinstance(language, str) and language and _known_language(language) is None:
        told["language"] = "Reports are in English or Chinese: this one is in that of the question."
    return told


def step_of(current: str | None) -> str:
    """That API's name for what is being done."""
    return STEPS.get((current or "").partition(":")[0], "final-report")


def _known_language(given: str) -> str | None:
    short = given.strip().lower().replace("_", "-")
    return LANGUAGES.get(short) or LANGUAGES.get(short.partition("-")[0])


def _overriding(given: Any) -> dict[str, Any]:
    """Its overrides of prompts, an object or one as JSON text. Ours stay: these are told beside them.

    :raises InvalidParameters: this is no object of texts, or some have no counterpart.
    """
    if isinstance(given, str):
        try:
            given = orjson.loads(given) if given else {}
        except orjson.JSONDecodeError:
            given = [given]
    if given is None:
        return {}
    known = ["systemInstruction", *STAGES]
    if not isinstance(given, dict) or not all(isinstance(text, str) for text in given.values()):
        raise InvalidParameters(errors=[FieldError(OVERRIDES, "not_an_object", "Send an object of texts.")])
    if unknown := [name for name in given if name not in known]:
        told = f"{', '.join(unknown)[:200]} is unknown; these can be overridden: {', '.join(known)}."
        raise InvalidParameters(errors=[FieldError(OVERRIDES, "unknown_prompt", told)])
    texts = {name: text.strip() for name, text in given.items() if text.strip()}
    stages: dict[str, list[str]] = {}
    for name, text in texts.items():
        if name in STAGES:
            stages.setdefault(STAGES[name], []).append(text)
    params: dict[str, Any] = {"prompts": {stage: "\n".join(told) for stage, told in stages.items()}} if stages else {}
    return params | ({"instructions": texts["systemInstruction"]} if "systemInstruction" in texts else {})
