"""What a browser opens: the web UI, its files, and the API's documentation."""

import re
from os import PathLike, stat_result
from pathlib import Path

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from server.api.languages import preferred
from server.errors import NotFound
from server.reports import html
from server.resources import docs_dir, static_dir

PAGE_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)


DOCS_PAGE = re.compile(r"(?:[a-z]{2,12}/)?[a-z0-9-]{1,60}\.md", re.ASCII)
_CODE_ROW = re.compile(r"<tr>\n<td><code>([a-z_]+)</code>")


async def index(request: Request) -> Response:
    """The web UI; it finds its task or session in the address."""
    headers = {"Content-Security-Policy": PAGE_CSP, "Cache-Control": "no-cache", "Referrer-Policy": "same-origin"}
    return FileResponse(static_dir() / "index.html", headers=headers)


async def docs(request: Request) -> Response:
    """The way to the documentation, in the language that the browser asks for."""
    language = preferred(request.headers.get("accept-language", ""))
    page = "/docs/zh/index.md" if language == "zh" else "/docs/index.md"
    return RedirectResponse(page, headers={"Vary": "Accept-Language"})


async def docs_page(request: Request) -> Response:
    """A page of the documentation."""
    name = request.path_params["page"]
    if DOCS_PAGE.fullmatch(name) is None or not (docs_dir() / name).is_file():
        raise NotFound(f"There is no page {name[:80]!r} in the documentation; /docs/index.md lists them.")
    markdown = await to_thread.run_sync((docs_dir() / name).read_text, "utf-8")
    language = "zh" if name.startswith("zh/") else "en"
    title = markdown.partition("\n")[0].removeprefix("# ")
    page = _CODE_ROW.sub(r'<tr id="\1">\n<td><code>\1</code>', html.render(markdown, title=title, language=language))
    return Response(page, headers={"Content-Security-Policy": PAGE_CSP}, media_type="text/html; charset=utf-8")


class FreshFiles(StaticFiles):
    """Static files that a browser asks for again each time, by ETag, so that an upgrade is seen at once."""

    def file_response(
        self, full_path: str | PathLike[str], stat_result: stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        response = super().file_response(full_path, stat_result, scope, status_code)
        response.headers["Cache-Control"] = "no-cache"
        return response


def static_files(folder: Path) -> StaticFiles:
    return FreshFiles(directory=folder)
