"""What the caller has yet to learn of their tasks: which have ended, and which of those they were not told of."""

from collections import Counter
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from starlette.requests import Request
from starlette.responses import Response

from server.api.access import principal
from server.api.requests import json_object, validated
from server.api.services import services
from server.api.tasks import json_response
from server.models import Headline, Status, iso
from server.tasks.notifications import end_id

MOST_SHOWN = 50
MOST_READ_AT_ONCE = 500
LONGEST_ID = 100


class Reading(BaseModel):
    """What was read. Without `ids`: all that there is."""

    model_config = ConfigDict(extra="forbid")

    ids: list[Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_ID)]] | None = Field(
        None, max_length=MOST_READ_AT_ONCE
    )


class Telling(BaseModel):
    """Nothing is to be said."""

    model_config = ConfigDict(extra="forbid")


async def list_notifications(request: Request) -> Response:
    """The newest ends of the caller's tasks, and how many are unread, untold, and still to come."""
    return await _standing(request)


async def read(request: Request) -> Response:
    """These have been read, or with an empty body all; idempotent, and answered as the list is."""
    given = validated(Reading, await json_object(request))
    await services(request).notifications.read(principal(request).scope, None if given.ids is None else set(given.ids))
    return await _standing(request)


async def tell(request: Request) -> Response:
    """Take the ends that nobody has told the caller of: each is given out once, to who is to tell them.

    ``partly``: how many of the completed ones are batches of which something failed.
    """
    validated(Telling, await json_object(request))
    parts, scope = services(request), principal(request).scope
    found = await parts.notifications.tell(scope)
    counts = Counter(each.status.value for each in found)
    views = await parts.listing.views([each.task_id for each in found if each.status is Status.COMPLETED])
    told = {
        "told": [_shown(each) for each in found[:MOST_SHOWN]],
        "counts": counts,
        "partly": sum(bool(view["progress"]["failed"]) for view in views),
        "active": parts.notifications.active(scope),
    }
    return json_response(told)


async def _standing(request: Request) -> Response:
    parts = services(request)
    standing = await parts.notifications.standing(principal(request).scope, MOST_SHOWN)
    return json_response(
        {
            "unread": standing.unread,
            "untold": standing.untold,
            "active": standing.active,
            "notifications": [{**_shown(headline), "read": was_read} for headline, was_read in standing.ended],
            "complete": parts.catalogue.complete.is_set(),
        }
    )


def _shown(headline: Headline) -> dict[str, Any]:
    return {
        "id": end_id(headline),
        "task_id": headline.task_id,
        "kind": headline.kind,
        "title": headline.title,
        "status": headline.status,
        "project": headline.project,
        "session": headline.session,
        "finished_at": iso(headline.finished_at),
    }
