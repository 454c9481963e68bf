"""What a browser opens: the web UI, its files, and the API's documentation."""

from os import PathLike, stat_result
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from server.reports import html
from server.resources import docs_dir, static_dir

PAGE_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)


async def index(request: Request) -> Response:
    """The web UI; it finds its task in the address."""
    headers = {"Content-Security-Policy": PAGE_CSP, "Cache-Control": "no-cache", "Referrer-Policy": "same-origin"}
    return FileResponse(static_dir() / "index.html", headers=headers)


async def docs(request: Request) -> Response:
    """The API's documentation, in the language that the browser asks for."""
    chinese = request.headers.get("accept-language", "").lower().startswith("zh")
    folder = docs_dir() / "zh" if chinese else docs_dir()
    markdown = (folder / "api.md").read_text(encoding="utf-8")
    page = html.render(markdown, title="Holdfast API", language="zh" if chinese else "en")
    headers = {"Content-Security-Policy": PAGE_CSP, "Vary": "Accept-Language"}
    return Response(page, headers=headers, media_type="text/html; charset=utf-8")


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
