"""A novel's bible as it is now, and the tasks that are about it."""

import re
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from server.api.access import principal
from server.api.services import services
from server.api.tasks import filters_of, json_response, limit_of
from server.errors import NovelNotFound
from server.tasks.ledgers import StoredLedger

KIND = "novel"
NOVEL_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)


async def show_novel(request: Request) -> Response:
    """The novel's bible with its revision, which whoever edits it sends back as `base_revision`."""
    parts, name = services(request), _name(request)
    shown = parts.registry.get(KIND).shown
    ledger = StoredLedger(parts.store, principal(request).scope, KIND, name)
    bible = await shown(ledger) if shown is not None else None
    if not isinstance(bible, dict):
        raise NovelNotFound
    return json_response({"novel": name, **bible})


async def novel_tasks(request: Request) -> Response:
    """One page of the tasks about a novel, newest first, each with its `task_type`; `status`, `limit` and `cursor`."""
    parts, name = services(request), _name(request)
    filters = filters_of(request, kind=KIND, project=name)
    limit, cursor = limit_of(request), request.query_params.get("cursor") or None
    page, following = await parts.listing.page(principal(request).scope, filters, limit, cursor)
    tasks = [described(view) for view in page]
    return json_response({"tasks": tasks, "next_cursor": following, "complete": parts.catalogue.complete.is_set()})


def described(view: dict[str, Any]) -> dict[str, Any]:
    """A task with what it is about in a novel."""
    return {**view, "novel_id": view["project"], "task_type": view["params"]["task_type"]}


def _name(request: Request) -> str:
    name: str = request.path_params["novel_id"]
    if NOVEL_ID.fullmatch(name) is None:
        raise NovelNotFound
    return name
