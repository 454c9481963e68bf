"""`/api/ai/generate-…` of the novel assistant: each starts a task about a novel, and answers with its id at once.

Its parameters are flat, in snake or camel case; what that system computed while its client waited is a task here.
"""

from dataclasses import replace
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from server.api.access import principal
from server.api.novels import KIND, described
from server.api.requests import Options, json_object, request_for, validated
from server.api.services import services
from server.api.stream import task_headers
from server.api.tasks import json_response
from server.errors import FieldError, InvalidParameters
from server.fingerprint import clean

TASK_TYPES = {
    "generate-outline": "outline",
    "generate-volumes": "volumes",
    "generate-characters": "characters",
    "generate-world-settings": "world",
    "generate-timeline-events": "timeline",
    "generate-foreshadowings": "foreshadowing",
    "write-chapter-content": "chapter",
}
NAMES = {
    "novelId": "novel_id",
    "wordsPerChapter": "words_per_chapter",
    "baseRevision": "base_revision",
    "contextTokens": "context_tokens",
    "chapterNumber": "chapter_number",
}
OF_NOVEL = (
    "title",
    "genre",
    "synopsis",
    "language",
    "chapters",
    "words_per_chapter",
    "volumes",
    "structure",
    "beats",
)
OF_TASK = ("range", "guidance", "overwrite", "base_revision", "engine", "model", "context_tokens", "budget")
BESIDE = ("novel_id", "chapter_number", "fresh")


async def start(request: Request) -> Response:
    """Start or attach to a task about a novel by the novel assistant's names: `{"title": "…", "synopsis": "…"}`."""
    parts = services(request)
    given = {NAMES.get(name, name): value for name, value in clean(await json_object(request)).items()}
    fresh = given.pop("fresh", None)
    options = validated(Options, {} if fresh is None else {"fresh": fresh})
    task_type = TASK_TYPES[request.scope["path"].rpartition("/")[2]]
    wanted = request_for(
        parts.registry.get(KIND), _translated(given, task_type), principal(request).scope, from_query=False
    )
    submission = await parts.manager.submit(replace(wanted, fresh=options.fresh))
    life = submission.life
    view = described(submission.now.view)
    told = {
        "task_id": life.task_id,
        "taskId": life.task_id,
        "novelId": view["novel_id"],
        "reused": submission.reused,
        "events_url": f"/api/tasks/{life.task_id}/events",
        **{name: view[name] for name in ("novel_id", "task_type", "status", "progress", "created_at")},
    }
    return json_response(told, headers=task_headers(life))


def _translated(given: dict[str, Any], task_type: str) -> dict[str, Any]:
    """That API's parameters as this kind's. :raises InvalidParameters: some have no counterpart."""
    unknown = [name for name in given if name not in (*OF_NOVEL, *OF_TASK, *BESIDE)]
    if unknown:
        known = ", ".join((*OF_NOVEL, *OF_TASK, *BESIDE))
        raise InvalidParameters(f"Unknown: {', '.join(unknown)[:200]}. This address takes: {known}.")
    novel = {name: given[name] for name in OF_NOVEL if name in given}
    params = {name: given[name] for name in OF_TASK if name in given}
    if "novel_id" in given:
        novel["id"] = given["novel_id"]
    if "chapter_number" in given:
        number = given["chapter_number"]
        if "range" in given or isinstance(number, bool) or not isinstance(number, int):
            told = "One whole number, or `range` for several chapters."
            raise InvalidParameters(errors=[FieldError("chapter_number", "int_type", told)])
        params["range"] = str(number)
    return {"novel": novel, "task_type": task_type, **params}
