"""What a task has made: its output so far, its result, its report, its files."""

from functools import partial
from typing import Any
from urllib.parse import quote

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response

from server.api.access import own_task
from server.api.services import services
from server.api.stream import task_headers
from server.api.tasks import json_response
from server.errors import ArtifactNotFound, NoResultYet, ReportFormatUnavailable
from server.models import Life
from server.reports import html
from server.reports.stylesheet import whole_stylesheet
from server.resources import static_dir
from server.tasks.context import ARTIFACT_NAME
from server.tasks.state import TaskState

REPORT_CSP = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'none'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
FORMATS = ("md", "html", "json")


async def output(request: Request) -> Response:
    """The report as it stands, as Markdown; what was rolled back is left out."""
    life, state = await _own_state(request)
    headers = {**task_headers(life), "X-Task-Status": state.status}
    return Response(state.output, headers=headers, media_type="text/markdown; charset=utf-8")


async def output_html(request: Request) -> Response:
    """The report as it stands, as a fragment of safe HTML: what the web UI shows while it grows."""
    life, state = await _own_state(request)
    etag = f'"{life.generation}-{state.seq}"'
    headers = {**task_headers(life), "Cache-Control": "no-cache", "ETag": etag, "X-Task-Status": state.status}
    if etag == request.headers.get("if-none-match"):
        return Response(status_code=304, headers=headers)
    headers["Content-Security-Policy"] = REPORT_CSP
    fragment = await to_thread.run_sync(html.fragment, state.output)
    return Response(fragment, headers=headers, media_type="text/html; charset=utf-8")


async def result(request: Request) -> Response:
    """The structured result. :raises NoResultYet: the task has not completed."""
    life, state = await _own_state(request)
    if state.result is None:
        raise NoResultYet
    return json_response(state.result, headers=task_headers(life))


async def report(request: Request) -> Response:
    """The report as a document."""
    life, state = await _own_state(request)
    wanted = request.path_params["format"]
    download = request.query_params.get("download") in ("1", "true")
    headers = {**task_headers(life), "Content-Disposition": _disposition(life, wanted, download=download)}
    if wanted not in FORMATS:
        raise ReportFormatUnavailable(f"No report in {wanted[:20]!r}; there are: {', '.join(FORMATS)}.")
    if wanted == "md":
        return Response(state.output, headers=headers, media_type="text/markdown; charset=utf-8")
    if wanted == "html":
        headers["Content-Security-Policy"] = REPORT_CSP
        title, language = life.title or life.kind, _language(state)
        style = None
        if download:
            style = await to_thread.run_sync(whole_stylesheet, static_dir() / "report.css")
        page = await to_thread.run_sync(partial(html.render, state.output, title, language, style=style))
        return Response(page, headers=headers, media_type="text/html; charset=utf-8")
    document = {"task": state.view(), "output": state.output, "result": state.result}
    return json_response(document, headers=headers)


async def artifact(request: Request) -> Response:
    """A file that the task has made, as a download. :raises ArtifactDamaged: it has been changed since."""
    life, state = await _own_state(request)
    name = request.path_params["name"]
    told = state.artifacts.get(name)
    if told is None or ARTIFACT_NAME.fullmatch(name) is None:
        raise ArtifactNotFound
    content = await services(request).store.artifact(life, name, told["sha256"])
    if content is None:
        raise ArtifactNotFound
    headers = {**task_headers(life), "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}"}
    return Response(content, headers=headers, media_type=told["media_type"])


async def _own_state(request: Request) -> tuple[Life, TaskState]:
    life = await own_task(request)
    return life, await services(request).outlook.state(life)


def _language(state: TaskState) -> str:
    found: Any = state.result.get("language") if isinstance(state.result, dict) else None
    return found if found in ("en", "zh") else "en"


def _disposition(life: Life, ending: str, *, download: bool) -> str:
    name = quote(f"{(life.title or life.kind)[:80]}.{ending}", safe="")
    return f"{'attachment' if download else 'inline'}; filename*=UTF-8''{name}"
