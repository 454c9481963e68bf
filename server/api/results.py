"""What a task has made: its output so far, its result, its report, its files."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
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
from server.reports.paper import paper
from server.reports.pdf import pdf
from server.reports.stylesheet import whole_stylesheet
from server.reports.word.document import word
from server.reports.wording import LOOKED_AT, Language, language_of, unfinished
from server.resources import static_dir
from server.tasks.context import ARTIFACT_NAME, RESULT_NAME
from server.tasks.state import TaskState

REPORT_CSP = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'none'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
DOCUMENTS = {
    "pdf": "application/pdf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
}
FORMATS = ("md", "html", *DOCUMENTS, "json", "zip")
"""Those that every kind has; a workflow may have more."""
LONGEST_NAME = 80
_NO_FILE_NAME = re.compile(r'[/\\:*?"<>|]')
"""What some file systems don't take in a name."""


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
    """The report as a document: what there is of it so far, if its task has not ended."""
    life, state = await _own_state(request)
    wanted = request.path_params["format"]
    download = request.query_params.get("download") in ("1", "true")
    own = services(request).registry.formats(life.kind)
    if wanted not in FORMATS and wanted not in own:
        raise ReportFormatUnavailable(f"No report in {wanted[:20]!r}; there are: {', '.join((*FORMATS, *own))}.")
    headers = {
        **task_headers(life),
        "Content-Disposition": disposition(life.title or life.kind, wanted, download=download),
        "X-Task-Status": state.status,
    }
    if wanted in own:
        if state.result is None:
            raise NoResultYet
        media_type, make = own[wanted]
        if media_type.startswith("text/html"):
            headers["Content-Security-Policy"] = REPORT_CSP
        content = await to_thread.run_sync(make, await _whole_result(request, life, state))
        return Response(content, headers=headers, media_type=media_type)
    if wanted == "md":
        return Response(state.output, headers=headers, media_type="text/markdown; charset=utf-8")
    if wanted == "html":
        headers["Content-Security-Policy"] = REPORT_CSP
        page = await to_thread.run_sync(partial(_page, life, state, download=download))
        return Response(page, headers=headers, media_type="text/html; charset=utf-8")
    if wanted in DOCUMENTS:
        return await _document(request, life, state, wanted, headers)
    document = {"task": state.view(), "output": state.output, "result": state.result}
    if wanted == "json":
        return json_response(document, headers=headers)
    files = {"report.md": state.output.encode(), "report.json": orjson.dumps(document, option=orjson.OPT_INDENT_2)}
    return StreamingResponse(_whole(request, life, state, files), headers=headers, media_type="application/zip")


async def _whole_result(request: Request, life: Life, state: TaskState) -> Any:
    """What a kind's own formats are made of: its result, or the artifact that has all that the result only outlines.

    :raises ArtifactNotFound, ArtifactDamaged: it is not there as it was written.
    """
    name = services(request).registry.whole(life.kind)
    if name is None:
        return state.result
    told = state.artifacts.get(name)
    content = None if told is None else await services(request).store.artifact(life, name, told["sha256"])
    if content is None:
        raise ArtifactNotFound
    return await to_thread.run_sync(orjson.loads, content)


def _page(life: Life, state: TaskState, *, download: bool) -> str:
    style = whole_stylesheet(static_dir() / "report.css") if download else None
    return html.render(state.output, life.title or life.kind, _language(life, state), style=style)


async def _document(request: Request, life: Life, state: TaskState, wanted: str, headers: dict[str, str]) -> Response:
    """A PDF or a Word document. It depends on the task's events alone, so it is known by the last one of them."""
    name = f"{life.generation}-{state.seq}"
    headers |= {"Cache-Control": "no-cache", "ETag": f'"{name}-{wanted}"'}
    if headers["ETag"] == request.headers.get("if-none-match"):
        return Response(status_code=304, headers=headers)
    documents = services(request).documents
    written, title, language = state.output, life.title or life.kind, _language(life, state)
    note = unfinished(state.status, language)

    async def make_pdf() -> bytes:
        style = await to_thread.run_sync(whole_stylesheet, static_dir() / "report.css")
        made = await to_thread.run_sync(partial(paper, written, title, language, note=note, style=style))
        return await pdf(made, documents.printer)

    async def make_word() -> bytes:
        written_at = datetime.fromtimestamp((state.updated_at or life.created_at) / 1000, UTC)
        return await to_thread.run_sync(partial(word, written, title, language, note=note, written_at=written_at))

    made = await documents.made(name, wanted, make_pdf if wanted == "pdf" else make_word)
    return Response(made, headers=headers, media_type=DOCUMENTS[wanted])


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


def _language(life: Life, state: TaskState) -> Language:
    found: Any = state.result.get("language") if isinstance(state.result, dict) else None
    if found in ("en", "zh"):
        return "zh" if found == "zh" else "en"
    return language_of(f"{life.title}\n{state.output[:LOOKED_AT]}")


def disposition(title: str, ending: str, *, download: bool) -> str:
    """How a file is called (RFC 6266): by its title, and in ASCII for those who read no other name."""
    name = " ".join(_NO_FILE_NAME.sub(" ", html.readable(title))[:LONGEST_NAME].split()).strip(". ") or "report"
    named = f"filename=\"report.{ending}\"; filename*=UTF-8''{quote(f'{name}.{ending}', safe='')}"
    return f"{'attachment' if download else 'inline'}; {named}"
