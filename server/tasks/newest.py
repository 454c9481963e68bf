"""The newest task of a kind, for routes that know of one task at a time."""

from contextlib import suppress
from typing import Any

from server.errors import LogCorrupt, TaskNotFound
from server.models import Life
from server.tasks.catalogue import Catalogue
from server.tasks.outlook import Outlook

COMPLETE_SECONDS = 5.0


async def newest_of_kind(
    catalogue: Catalogue, outlook: Outlook, scope: str, kind: str
) -> tuple[Life, dict[str, Any]] | None:
    """It and how it stands, as the API shows that; None: whoever asks has none."""
    await catalogue.refresh()
    if not catalogue.complete.is_set() and not any(each.kind == kind for each in catalogue.newest_first(scope)):
        await catalogue.completed_within(COMPLETE_SECONDS)
    for headline in list(catalogue.newest_first(scope)):
        if headline.kind != kind:
            continue
        # One that was removed just now, or whose birth record is damaged, hides no other.
        with suppress(TaskNotFound, LogCorrupt):
            life, now = await outlook.find_with_outline(headline.task_id, scope, None)
            return life, outlook.with_position(now.view)
    return None
