"""Sessions: which one a request is for, and the batch of one as its page shows it.

A session's id is a UUID that whoever begins it makes up. It says which tasks belong together, and never whose they are.
"""

import re
import uuid
from collections import Counter
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from server.api.access import principal
from server.api.services import services
from server.api.tasks import json_response
from server.errors import FieldError, InvalidParameters
from server.streaming.sse import event_id
from server.tasks.batches import DEALT_WITH, Batch, PageState

HEADER, COOKIE = "x-session-id", "session_id"
NAMES = ("session", "session_id")
"""How a body or a query string may name it."""

EARLIER_TASKS = 50

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
_PAGE = re.compile(r"/s/([^/]+)/?")
ASKED = ("task_indices", "auto_generate", "ignore_completed")
"""What each start of a batch asks for anew."""
_OF_ITEM = ("attempts", "final_url", "http_status", "artifacts", "error")


def session_of(request: Request, body: dict[str, Any]) -> str:
    """The session that a request names: in its body or query string, its header, the page it comes from, its cookie.

    Without any it is the one that whoever asks has by default. What is read of the body is taken out of it.

    :raises InvalidParameters: what is named is no UUID.
    """
    given = [body.pop(name, None) for name in NAMES]
    given += [request.query_params.get(name) for name in NAMES]
    given.append(request.headers.get(HEADER))
    named = next((each for each in given if each not in (None, "")), None)
    if named is not None:
        return checked(named)
    page = _PAGE.fullmatch(urlsplit(request.headers.get("referer", "")).path)
    # A cookie of this name may be another program's: those of one host are shared by all of its ports.
    found = next(
        (each for each in (page and page[1], request.cookies.get(COOKIE)) if each and _UUID.fullmatch(each)), ""
    )
    return found.lower() or str(uuid.uuid5(uuid.NAMESPACE_OID, principal(request).scope))


def checked(named: Any) -> str:
    """:raises InvalidParameters: this is no UUID."""
    if not isinstance(named, str) or _UUID.fullmatch(named) is None:
        message = "A session is named by a UUID, as 123e4567-e89b-42d3-a456-426614174000."
        raise InvalidParameters(errors=[FieldError("session", "not_a_uuid", message)])
    return named.lower()


async def show_session(request: Request) -> Response:
    """The batch of a session as it is now: its pages with their states, its newest task, and what came before."""
    session, parts = checked(request.path_params["session"]), services(request)
    scope = principal(request).scope
    batch = await parts.batches.newest(scope, session)
    head = {"session": session, "url": page_url(session), "complete": parts.catalogue.complete.is_set()}
    if batch is None:
        nothing = dict.fromkeys(("task", "events_url", "after"))
        return json_response({**head, "status": "idle", **nothing, "earlier": [], "pages": []})
    earlier = [each for each in parts.batches.task_ids(scope, session) if each != batch.life.task_id]
    return json_response({**head, **_shown(batch), "earlier": earlier[:EARLIER_TASKS]})


def page_url(session: str) -> str:
    return f"/s/{session}"


def events_url(batch: Batch) -> str:
    return f"/api/tasks/{batch.life.task_id}/events"


def percent(counts: Mapping[PageState, int], total: int) -> int:
    """How many pages of a hundred are dealt with; 100 only when all are."""
    return 100 * sum(counts[state] for state in DEALT_WITH) // total


def _shown(batch: Batch) -> dict[str, Any]:
    states = batch.states()
    counts = Counter(states)
    return {
        "status": batch.status,
        "task": {name: value for name, value in batch.view.items() if name not in ("params", "artifacts")},
        "events_url": events_url(batch),
        "after": event_id(batch.life.generation, batch.seq),
        "asked": {name: batch.life.params.get(name) for name in ASKED},
        "total": batch.total,
        "counts": {state.value: counts[state] for state in PageState},
        "percentage": percent(counts, batch.total),
        "current": batch.current,
        "current_percentage": batch.current_percentage,
        "pages": [_page(batch, index, state) for index, state in enumerate(states)],
    }


def _page(batch: Batch, index: int, state: PageState) -> dict[str, Any]:
    page = batch.outlines[index]
    # One that an earlier task has done is passed over by this one, which has nothing to tell of it.
    item = {} if page.done_before else batch.items.get(page.key, {})
    return {
        "index": index,
        "key": page.key,
        "title": page.title,
        "url": item.get("url") or page.url,
        "state": state,
        **{name: item.get(name) for name in _OF_ITEM},
    }
