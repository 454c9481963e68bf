"""Reading one page, as the record of a step holds it."""

import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import anyio
import anyio.to_thread

from server.sources.failures import SourceFailed
from server.sources.fetch import Page
from server.sources.reasons import reason
from server.workflows.base import Step
from server.workflows.research.retrieval import source_id

MOST_PAGE_CHARS = 400_000
"""Of one page, so much is kept in the journal and searched."""

Get: TypeAlias = Callable[[str], Awaitable[Page]]


async def read_page(url: str, get: Get, language: str, until: float, step: Step) -> dict[str, Any]:
    """The body of a step: the page's text, or ``code`` and ``message`` of why there is none; told as an item too.

    :param until: when the task's budget is used up, by the clock of `anyio.current_time`.
    """
    started = time.monotonic()
    about = {"key": source_id("url", url), "kind": "url", "url": url}
    try:
        with anyio.fail_after(max(0.0, until - anyio.current_time())):
            page = await get(url)
    except SourceFailed as error:
        failure = {"code": error.code, "message": reason(language, error.code, error.message)}
    except TimeoutError:
        message = "The task's budget of time was used up."
        failure = {"code": "budget", "message": reason(language, "budget", message)}
    else:
        document = page.document
        by = {"rendered": True} if page.rendered else {}
        await step.item({**about, "title": document.title or url, "sha256": page.sha256, **by})
        return {
            "url": url,
            "final_url": page.url,
            "sha256": page.sha256,
            "media_type": page.media_type,
            "document": await anyio.to_thread.run_sync(document.clipped(MOST_PAGE_CHARS).to_json),
            "code": None,
            "seconds": time.monotonic() - started,
        }
    await step.item({**about, **failure}, outcome="failed")
    return {"url": url, **failure, "seconds": time.monotonic() - started}
