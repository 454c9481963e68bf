"""What went wrong between us and an endpoint, as a failure with a code. Nothing of a request or a key gets into it."""

import math
import re
import time
from email.utils import parsedate_to_datetime
from typing import Any

import orjson

from server.llm.failures import (
    ContentFiltered,
    ContextTooLong,
    ModelDenied,
    ModelFailed,
    ModelGarbled,
    ModelQuotaSpent,
    ModelRateLimited,
    ModelRejected,
    ModelUnavailable,
    ModelUnknown,
)

LONGEST_REASON = 300
_TOO_LONG = re.compile(
    r"context.{0,20}(length|window|size)|maximum context|too many tokens|prompt is too long|exceeds? the available",
    re.IGNORECASE,
)
_FILTERED = re.compile(r"content.?(filter|policy|management)|safety system|data_inspection", re.IGNORECASE)
_QUOTA = re.compile(r"insufficient_quota|exceeded your current quota|billing|insufficient.balance", re.IGNORECASE)
_KEYLIKE = re.compile(r"\b(?:sk|pk|key|tok|Bearer)[-_ ][\w*-]{6,}", re.IGNORECASE)
_REFUSED = frozenset({400, 422})


class Refused(Exception):
    """The endpoint does not take a request of this form (400, 422); another form may do."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


def of_status(status: int, body: bytes, retry_after: str | None, secret: str | None) -> ModelFailed | Refused:
    """An answer other than 200."""
    reason = reason_in(body, secret)
    said = f"The model's endpoint answered {status}" + (f": {reason}." if reason else ".")
    if status == 429:
        if _QUOTA.search(reason):
            return ModelQuotaSpent(said)
        return ModelRateLimited(said, retry_after=_seconds(retry_after))
    if status >= 500 or status in (408, 409, 425):
        return ModelUnavailable(said, retry_after=_seconds(retry_after))
    if status in (401, 403):
        return ModelDenied(f"{said} Look at OPENAI_API_KEY.")
    if status in (404, 405):
        return ModelUnknown(f"{said} Look at OPENAI_MODEL and OPENAI_BASE_URL.")
    if status == 402:
        return ModelQuotaSpent(said)
    if 300 <= status < 400:
        return ModelGarbled(f"{said} Redirects are not followed; set OPENAI_BASE_URL to where it really is.")
    if _TOO_LONG.search(reason) or status == 413:
        return ContextTooLong(said)
    if _FILTERED.search(reason):
        return ContentFiltered(said)
    if status in _REFUSED:
        return Refused(said)
    return ModelRejected(said)


def in_stream(error: Any, secret: str | None) -> ModelFailed:
    """An error that came as a piece of a stream that had begun well."""
    status = next((code for code in _numbers(error) if 400 <= code < 600), 500)
    failure = of_status(status, orjson.dumps({"error": error}), None, secret)
    return ModelRejected(failure.reason) if isinstance(failure, Refused) else failure


def reason_in(body: bytes, secret: str | None) -> str:
    """What the endpoint says of itself, as one line without anything that looks like a key."""
    try:
        told = orjson.loads(body)
    except orjson.JSONDecodeError:
        told = body[:2000].decode("utf-8", "replace")
        told = "" if "<" in told[:200] else told
    for _ in range(2):
        if isinstance(told, dict):
            told = next((told[name] for name in ("error", "message", "detail", "msg") if told.get(name)), told)
    if isinstance(told, dict | list):
        told = orjson.dumps(told).decode()
    line = " ".join(str(told).split())
    if secret:
        line = line.replace(secret, "…")
    return _KEYLIKE.sub("…", line)[:LONGEST_REASON].rstrip(". ")


def _numbers(error: Any) -> list[int]:
    if not isinstance(error, dict):
        return []
    return [int(str(error.get(name))) for name in ("status", "code") if str(error.get(name)).isdecimal()]


def _seconds(retry_after: str | None) -> int | None:
    """``Retry-After`` in either of its forms."""
    if not retry_after:
        return None
    if re.fullmatch(r"\d{1,9}(\.\d+)?", retry_after.strip()):
        return math.ceil(float(retry_after))
    try:
        return max(0, math.ceil(parsedate_to_datetime(retry_after).timestamp() - time.time()))
    except (ValueError, OverflowError):
        return None
