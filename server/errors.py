"""Every error that a user or an operator can meet: its code, its HTTP status, its sentence.

The class docstring is the sentence that is shown when no better detail is given.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with one field. ``path`` is dotted, as ``report.style``; empty for the whole."""

    path: str
    code: str
    message: str


class WrongField(ValueError):
    """Raised by a check of several fields of a model together: which of them is to be put right.

    :param path: from the model on.
    """

    def __init__(self, path: str, code: str, message: str) -> None:
        self.path = path
        self.code = code
        super().__init__(message)


class HoldfastError(Exception):
    """Something went wrong inside the server; the log has the cause."""

    status = 500
    code = "internal"
    retryable = False
    written = 0
    """Of a group of records that a store refused, how many are in the log all the same."""
    pauses = False
    """Whether a task that its workflow ends with this waits for its user, who resumes it, instead of failing."""
    again: tuple[str, ...] = ()
    """Keys of recorded steps that are done again when a task that was paused so is resumed."""

    def __init__(
        self,
        detail: str | None = None,
        *,
        errors: Sequence[FieldError] = (),
        retry_after: int | None = None,
    ) -> None:
        self.detail = detail or self.sentence()
        self.errors = tuple(errors)
        self.retry_after = retry_after
        super().__init__(self.detail)

    @classmethod
    def sentence(cls) -> str:
        return " ".join((cls.__doc__ or "").split())


class InvalidRequest(HoldfastError):
    """The request can't be read."""

    status = 400
    code = "invalid_request"


class InvalidJson(InvalidRequest):
    """The body is not valid JSON; send one JSON object encoded in UTF-8."""

    code = "invalid_json"


class InvalidEncoding(InvalidRequest):
    """The query string is not valid UTF-8; percent-encode each byte of the UTF-8 text."""

    code = "invalid_encoding"


class InvalidParameters(HoldfastError):
    """Some parameters are missing or wrong; `errors` names each."""

    status = 422
    code = "invalid_parameters"

    def __init__(self, detail: str | None = None, *, errors: Sequence[FieldError] = ()) -> None:
        super().__init__(detail or _in_words(errors), errors=errors)


def _in_words(errors: Sequence[FieldError]) -> str | None:
    if not errors:
        return None
    named = "; ".join(
        f"`{field.path}`: {field.message.rstrip('.')}" if field.path else field.message for field in errors[:5]
    )
    return f"{named}; and {len(errors) - 5} more." if len(errors) > 5 else f"{named}."


class UnknownKind(HoldfastError):
    """This server offers no such kind; GET /api/kinds lists those that it does."""

    status = 422
    code = "unknown_kind"


class BodyTooLarge(HoldfastError):
    """The body is larger than this server takes."""

    status = 413
    code = "body_too_large"


class BodyTooSlow(HoldfastError):
    """The body came too slowly and was given up; send it again, over a better connection if need be."""

    status = 408
    code = "body_too_slow"
    retryable = True


class HeadersTooLarge(HoldfastError):
    """The request line and headers are larger than this server takes."""

    status = 431
    code = "headers_too_large"


class UnsupportedMediaType(HoldfastError):
    """The body must be JSON: send it with `Content-Type: application/json`."""

    status = 415
    code = "unsupported_media_type"


class ForbiddenOrigin(HoldfastError):
    """A page of another site may not start or change tasks; CORS_ORIGINS names the sites that may."""

    status = 403
    code = "forbidden_origin"


class ForbiddenHost(HoldfastError):
    """This server does not answer for that host name; ALLOWED_HOSTS names those that it answers for."""

    status = 421
    code = "forbidden_host"


class NotFound(HoldfastError):
    """There is nothing at this address; /docs lists what there is."""

    status = 404
    code = "not_found"


class MethodNotAllowed(HoldfastError):
    """This address does not take that method; /docs lists those that it takes."""

    status = 405
    code = "method_not_allowed"


class TaskNotFound(NotFound):
    """No task has this id; it may have been deleted."""

    code = "task_not_found"


class ArtifactNotFound(NotFound):
    """This task has no artifact of that name."""

    code = "artifact_not_found"


class ArtifactDamaged(HoldfastError):
    """This file of the task is no longer what the task has made; restore it from a backup, or `rerun` the task."""

    code = "artifact_damaged"


class UploadNotFound(NotFound):
    """No upload of yours has this id; it may be past its time: send the file again with POST /api/uploads."""

    code = "upload_not_found"
    retryable = True

    @classmethod
    def of(cls, upload_id: str) -> "UploadNotFound":
        """``upload_id`` is 64 hex digits."""
        return cls(f"{cls.sentence()} It was asked for by {upload_id}.")


class UploadDamaged(HoldfastError):
    """This upload is no longer what was sent; send the file again with POST /api/uploads."""

    code = "upload_damaged"
    retryable = True


class NoResultYet(NotFound):
    """This task has no result yet; follow its events until `done`."""

    code = "no_result_yet"


class ReportFormatUnavailable(NotFound):
    """The report can't be had in that format."""

    code = "report_format_unavailable"


class ReportTooLong(HoldfastError):
    """The report is too long for this format; take it as `md` or `html`."""

    status = 409
    code = "report_too_long"


class ReportNotMade(HoldfastError):
    """The report could not be made in time; ask again, or take it as `md` or `html`."""

    status = 503
    code = "report_not_made"
    retryable = True


class FontMissing(HoldfastError):
    """The report has Chinese text that no font of this server shows: install fonts-noto-cjk, or take `docx`."""

    status = 503
    code = "font_missing"
    retryable = True


class TaskActive(HoldfastError):
    """The task has not ended; stop it first."""

    status = 409
    code = "task_active"


class TaskEnded(HoldfastError):
    """The task has ended, so it can't be paused or stopped; `retry` or `rerun` starts it again."""

    status = 409
    code = "task_ended"


class TaskNotRetryable(HoldfastError):
    """Only a failed or stopped task can be retried; `rerun` starts a completed one again."""

    status = 409
    code = "task_not_retryable"


class SessionBusy(HoldfastError):
    """Another batch of this session has not ended; stop it first, or start it again as it was asked for."""

    status = 409
    code = "session_busy"


class NovelNotFound(NotFound):
    """No novel has this id; its first task makes it."""

    code = "novel_not_found"


class NovelBusy(HoldfastError):
    """Tasks about this novel have not ended; stop them first."""

    status = 409
    code = "novel_busy"


class RevisionConflict(HoldfastError):
    """This would write over what has changed since; look again, and send what you have seen as `base_revision`."""

    status = 409
    code = "revision_conflict"


class TaskNotSteerable(HoldfastError):
    """A task of this kind can't be told anything while it runs."""

    status = 409
    code = "task_not_steerable"


class TaskCorrupt(HoldfastError):
    """The log of this task is damaged; it is kept for the operator and can't go on."""

    status = 409
    code = "corrupt"


class ModelRequired(HoldfastError):
    """No model is configured: set OPENAI_MODEL and OPENAI_BASE_URL or OPENAI_API_KEY, or ask for `engine: embedded`."""

    status = 409
    code = "model_required"


class QueueFull(HoldfastError):
    """The queue is full; ask again later."""

    status = 429
    code = "queue_full"
    retryable = True


class ShuttingDown(HoldfastError):
    """This node is shutting down; ask again, another one or the next one will answer."""

    status = 503
    code = "shutting_down"
    retryable = True


class StoreFull(HoldfastError):
    """The volume is full; reads go on, new work waits for room."""

    status = 507
    code = "store_full"
    retryable = True


class StoreFailed(HoldfastError):
    """The volume refused to read or write."""

    status = 503
    code = "store_failed"
    retryable = True


class LogCorrupt(HoldfastError):
    """A record in the middle of the task's log is damaged."""

    status = 409
    code = "corrupt"

    def __init__(self, detail: str | None = None, *, reaches: int = 0) -> None:
        """``reaches``: the last event that is known to have been in the log."""
        super().__init__(detail)
        self.reaches = reaches


class OwnershipLost(HoldfastError):
    """Another node owns this task now."""

    status = 409
    code = "ownership_lost"


class JournalMismatch(HoldfastError):
    """A step was given other inputs than those in its journal record, so its result can't be used again."""

    status = 500
    code = "journal_mismatch"


class CrashLoop(HoldfastError):
    """Three servers in a row ended over this task before it could finish a step; `retry` tries it once more."""

    code = "crash_loop"
    retryable = True


class WorkflowFailed(HoldfastError):
    """The workflow could not do its work."""

    code = "workflow_failed"


class BrowserMissing(HoldfastError):
    """This needs a browser, and none runs here: install Chromium, or set BROWSER_PATH."""

    status = 503
    code = "browser_missing"
    retryable = True


class BatchBlocked(HoldfastError):
    """Too many items in a row failed for one and the same reason; put that right, then `resume`."""

    code = "batch_blocked"
    retryable = True
    pauses = True

    def __init__(self, detail: str | None = None, *, again: Sequence[str] = ()) -> None:
        super().__init__(detail)
        self.again = tuple(again)
