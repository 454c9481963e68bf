"""A circuit breaker: an endpoint that fails again and again is left in peace for a while, by all tasks at once."""

FAILURES_TO_OPEN = 5
FIRST_COOL_DOWN_SECONDS = 10.0
LONGEST_COOL_DOWN_SECONDS = 120.0


class Breaker:
    """Counts failures that are the endpoint's and not the request's. Its caller says what time it is, in seconds.

    While it is open, one call is let through for each cool-down, and its outcome says whether the endpoint is back. A
    call that was let through and never tells its outcome blocks nothing: the next cool-down lets another through.
    """

    def __init__(self, failures_to_open: int = FAILURES_TO_OPEN) -> None:
        self._failures_to_open = failures_to_open
        self._failures = 0
        self._cool_down = 0.0
        self._closed_until = 0.0
        self._trying = False

    @property
    def open(self) -> bool:
        return self._cool_down > 0

    def remaining(self, now: float) -> float:
        """Seconds until the next call would be let through. Nobody is let through by asking."""
        return max(0.0, self._closed_until - now) if self.open else 0.0

    def wait(self, now: float) -> float:
        """How long a call has to wait, in seconds; 0: it may go now, and then it has to."""
        if not self.open:
            return 0.0
        if now < self._closed_until:
            return self._closed_until - now
        self._closed_until, self._trying = now + self._cool_down, True
        return 0.0

    def succeeded(self) -> None:
        self._failures, self._cool_down, self._trying = 0, 0.0, False

    def failed(self, now: float) -> None:
        self._failures += 1
        if self._failures >= self._failures_to_open and (
            self._trying or not self.open
        ):  # calls from before say nothing new
            self._trying = False
            self._cool_down = min(LONGEST_COOL_DOWN_SECONDS, self._cool_down * 2 or FIRST_COOL_DOWN_SECONDS)
            self._closed_until = now + self._cool_down
