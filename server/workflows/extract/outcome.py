"""What came of a batch: its result, which is an outline where there is much, and the file that has everything."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from server.workflows.extract.params import User

MOST_IN_RESULT = 1000
LONGEST_MESSAGE = 300


def outcome(found: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Counts, the users that failed, and the first 1,000 events. ``found``: what was found of each user."""
    events = [event for user in found for event in user["events"]]
    failed = [user for user in found if user["status"] == "failed"]
    return {
        "status": "partial" if failed else "complete",
        "counts": {
            "users": len(found),
            "completed": len(found) - len(failed),
            "failed": len(failed),
            "events": len(events),
            "facts": sum(len(user["facts"]) for user in found),
            "ungrounded": sum(user["ungrounded"] for user in found),
        },
        "by_type": dict(Counter(event["type"] for event in events).most_common()),
        "failed": [_failure(user["user_id"], user["error"]) for user in failed],
        "events": events[:MOST_IN_RESULT],
        "events_left_out": max(0, len(events) - MOST_IN_RESULT),
    }


def _failure(user_id: str, error: dict[str, str]) -> dict[str, str]:
    return {"user_id": user_id, "code": error["code"], "message": error["message"][:LONGEST_MESSAGE]}


def everything(
    users: Sequence[User], found: Sequence[dict[str, Any]], timezone: str | None, made_at: datetime
) -> dict[str, Any]:
    """All events and facts, beside the texts that they are of."""
    together = zip(found, users, strict=True)
    return {
        "made_at": made_at.isoformat(timespec="seconds"),
        "timezone": timezone,
        "users": [{**one, "texts": _texts(user)} for one, user in together],
    }


def _texts(user: User) -> list[dict[str, Any]]:
    return [
        {"id": text.id or str(number), "written_at": text.written_at and text.written_at.isoformat(), "text": text.text}
        for number, text in enumerate(user.texts)
    ]
