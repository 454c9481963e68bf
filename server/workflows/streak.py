"""Noticing that a batch runs into the same wall over and over."""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from server.errors import BatchBlocked

SAME_FAILURES = 10
BLOCKING = frozenset(
    "unreachable unknown_host timeout browser_died forbidden_address "
    "model_unavailable model_rate_limited model_timeout model_cut model_garbled model_rejected".split()
)
OF_ALL = frozenset({"model_rejected"})
"""What one is refused for is its own; what all are refused for, however few they are, lies with the endpoint."""


@dataclass
class Streak:
    """How often in a row one and the same thing went wrong: the code, and the host it went wrong with.

    ``items``: what the batch is made of, in the plural. ``blocking``: codes that the rest can be taken to fail with.
    """

    items: str = "pages"
    blocking: frozenset[str] = BLOCKING
    cause: tuple[str, str] | None = None
    length: int = 0
    again: list[str] = field(default_factory=list)
    """The steps of the pages that failed so, for another try."""
    _message: str = ""

    def add(self, result: dict[str, Any], steps: list[str]) -> BatchBlocked | None:
        """Count a page. Returns what the batch is to pause with when the rest can be taken to fail as well.

        :param steps: those that are done again with the page; none where that could do harm.
        """
        error = result["error"]
        if result["status"] == "skipped":
            return None
        host = "the model" if error and error["code"].startswith("model_") else urlsplit(result["url"]).netloc
        cause = (error["code"], host) if error and error["code"] in self.blocking else None
        if cause is None or cause != self.cause:
            self.cause, self.length, self.again = cause, 0, []
        if cause is None:
            return None
        self.length += 1
        self.again += steps
        self._message = error["message"]
        return self._blocked() if self.length >= SAME_FAILURES else None

    def end(self, tried: int) -> BatchBlocked | None:
        """Returns what the batch is to pause with where all that were ``tried``, two at least, were refused alike."""
        alike = self.length == tried > 1 and self.cause is not None and self.cause[0] in OF_ALL
        return self._blocked() if alike else None

    def _blocked(self) -> BatchBlocked:
        code, place = self.cause or ("", "")
        where = f" at {place[:100]}" if place else ""
        return BatchBlocked(
            f"{self.length} {self.items} in a row failed with `{code}`{where}: {self._message} "
            f"Put that right, then `resume`: these {self.items} are tried again, and what is done is not done again.",
            again=self.again,
        )
