"""A novel's bible as it is now, its chapters, and the tasks that are about it; and removing all of that."""

import re
from contextlib import suppress
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from server.api.access import principal
from server.api.services import services
from server.api.tasks import LARGEST_PAGE, filters_of, json_response, limit_of
from server.errors import FieldError, InvalidParameters, NovelBusy, NovelNotFound, TaskActive, TaskNotFound
from server.models import Status
from server.tasks.ledgers import StoredLedger
from server.tasks.listing import Filters

KIND = "novel"
NOVEL_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)


async def show_novel(request: Request) -> Response:
    """The novel's bible with its revision, which whoever edits it sends back as `base_revision`.

    The texts of chapters only where they are asked for, by `texts=1`: they are megabytes of a long novel.
    """
    whole = _texts_wanted(request)
    bible = await _bible(request)
    if not whole:
        bible["texts"] = [{"number": one["number"], "title": one["title"]} for one in bible["texts"]]
    return json_response({"novel": _name(request), **bible})


async def show_chapter(request: Request) -> Response:
    """A chapter's plan, text and summary, each None where there is none yet."""
    bible, written = await _bible(request), request.path_params["number"]
    # A number that is none, or is too long for any chapter, names no chapter.
    number = int(written) if re.fullmatch(r"[0-9]{1,6}", written) else 0
    lists = {"plan": "chapters", "text": "texts", "summary": "summaries"}
    found = {name: next((one for one in bible[of] if one["number"] == number), None) for name, of in lists.items()}
    if not any(found.values()):
        raise NovelNotFound("This novel has no such chapter.")
    words = bible["words"].get(str(number), 0)
    return json_response(
        {"novel": _name(request), "number": number, "revision": bible["revision"], "words": words, **found}
    )


async def delete_novel(request: Request) -> Response:
    """The novel with all its tasks, of which none may be on its way.

    The bible goes first. Tasks that are asked for meanwhile belong to the next novel of this id and stay.

    :raises NovelBusy: a task about it has not ended; nothing was removed.
    """
    parts, name, scope = services(request), _name(request), principal(request).scope
    await parts.catalogue.complete.wait()
    about = Filters(kind=KIND, project=name)
    ended = [view["id"] for view in await _all_tasks(request, about)]
    active = [view for view in await parts.listing.active(scope) if about.match(view)]
    if active:
        raise NovelBusy(f"{len(active)} tasks about this novel have not ended; stop them first.")
    remove = parts.registry.get(KIND).removed
    removed = remove is not None and await remove(StoredLedger(parts.store, scope, KIND, name))
    for task_id in ended:
        with suppress(TaskNotFound, TaskActive):  # somebody else has deleted it, or set it going again
            await parts.manager.delete(await parts.outlook.find(task_id, scope))
    if not removed and not ended:
        raise NovelNotFound
    return Response(status_code=204)


async def _all_tasks(request: Request, about: Filters) -> list[dict[str, Any]]:
    parts, scope = services(request), principal(request).scope
    page, cursor = await parts.listing.page(scope, about, LARGEST_PAGE, None)
    found = page
    while cursor is not None:
        page, cursor = await parts.listing.page(scope, about, LARGEST_PAGE, cursor)
        found += page
    return [view for view in found if Status(view["status"]).terminal]


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


async def _bible(request: Request) -> dict[str, Any]:
    """:raises NovelNotFound: nobody has written in it."""
    parts = services(request)
    shown = parts.registry.get(KIND).shown
    ledger = StoredLedger(parts.store, principal(request).scope, KIND, _name(request))
    bible = await shown(ledger) if shown is not None else None
    if not isinstance(bible, dict):
        raise NovelNotFound
    return bible


def _texts_wanted(request: Request) -> bool:
    text = request.query_params.get("texts")
    if text not in (None, "", "0", "1", "true", "false"):
        raise InvalidParameters(errors=[FieldError("texts", "bool_parsing", "Use 1 or 0.")])
    return text in ("1", "true")
