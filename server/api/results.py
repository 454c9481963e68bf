"""What a task has made: its output so far, its result, its report, its files."""

from collections.abc import AsyncIterator
from functools import partial
from typing import Any
from urllib.parse import quote

import orjson
from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from server.api.access import own_task
from server.api.services import services
from server.api.stream import task_headers
from server.api.tasks import json_response
from server.errors import ArtifactNotFound, NoResultYet, ReportFormatUnavailable
from server.models import Life
from server.reports import html
from server.reports.archive import Archive
from server.reports.stylesheet import whole_stylesheet
from server.resources import static_dir
from server.tasks.context import ARTIFACT_NAME, RESULT_NAME
from server.tasks.state import TaskState

REPORT_CSP = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'none'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
FORMATS = ("md", "html", "json", "zip")
"""Those that every kind has; a workflow may have more."""


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
    own = services(request).registry.formats(life.kind)
    if wanted not in FORMATS and wanted not in own:
        raise ReportFormatUnavailable(f"No report in {wanted[:20]!r}; there are: {', '.join((*FORMATS, *own))}.")
    if wanted in own:
        if state.result is None:
            raise NoResultYet
        media_type, make = own[wanted]
        return Response(await to_thread.run_sync(make, state.result), headers=headers, media_type=media_type)
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
    if wanted == "json":
        return json_response(document, headers=headers)
    files = {"report.md": state.output.encode(), "report.json": orjson.dumps(document, option=orjson.OPT_INDENT_2)}
    return StreamingResponse(_whole(request, life, state, files), headers=headers, media_type="application/zip")


async def _whole(request: Request, life: Life, state: TaskState, files: dict[str, bytes]) -> AsyncIterator[bytes]:
    """All that the task has made, as one archive, file by file: it may be more than should be in memory at once."""
    archive = Archive()
    for name, content in files.items():
        yield await to_thread.run_sync(archive.add, name, content)
    for name, told in list(state.artifacts.items()):
        if ARTIFACT_NAME.fullmatch(name) is None or name == RESULT_NAME:
            continue
        kept = await services(request).store.artifact(life, name, told["sha256"])
        if kept is not None:
            yield await to_thread.run_sync(archive.add, name, kept)
    yield await to_thread.run_sync(archive.end)


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
