"""The view of a task as whoever attaches to it is told, encoded once until something changes."""

import orjson

from server.api.services import Services
from server.models import Status
from server.tasks.manager import Submission


def told(parts: Services, submission: Submission) -> bytes:
    """The JSON of the task's view with `reused`."""
    now, generation = submission.now, submission.life.generation
    if now.status is Status.PENDING or not submission.reused:  # its place in the queue changes by itself
        return _encoded(parts, submission)
    known = parts.told.get(generation)
    if known is None or known[0] is not now:
        known = now, _encoded(parts, submission)
        parts.told.keep(generation, known)
    return known[1]


def _encoded(parts: Services, submission: Submission) -> bytes:
    return orjson.dumps({**parts.outlook.with_position(submission.now.view), "reused": submission.reused})
