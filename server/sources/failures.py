"""Why a source could not be used: a stable code and one sentence that people can act on."""


class SourceFailed(Exception):
    """One source could not be read. It never ends a task: it is listed with its reason."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        self.message = message
        super().__init__(message)


class FetchFailed(SourceFailed):
    """A page could not be had: refused, unreachable, too slow, too large, or not a page."""


class Unreadable(SourceFailed):
    """The bytes are there, but no text comes out of them."""
