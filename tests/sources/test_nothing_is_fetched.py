"""Reading a document fetches nothing of what it names: texts that people upload can't send the server anywhere."""

from contextlib import suppress

import anyio.to_thread
import pytest

from server.sources.extract import extract
from server.sources.failures import Unreadable
from tests.campaigns.documents import of_each_kind
from tests.campaigns.hostile import canary


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("page.html", "text/html"),
        ("page.xhtml", "application/xhtml+xml"),
        ("notes.md", "text/markdown"),
        ("notes.txt", "text/plain"),
        ("print.pdf", "application/pdf"),
        ("letter.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ],
)
async def test_reading_fetches_nothing(name: str, media_type: str) -> None:
    """Pictures, templates, entities, inclusions, styles, scripts: all of them stay where they are."""
    async with canary() as watched:
        data = of_each_kind(f"http://127.0.0.1:{watched.port}/hit/")[name]
        with suppress(Unreadable):  # what can't be read is no harm either
            await anyio.to_thread.run_sync(extract, data, media_type)
        assert watched.connections == 0
