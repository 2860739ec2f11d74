"""How often and how long a call is tried: none changes anything at the service, so each may be repeated."""

import time
from random import uniform

from service.client.errors import DeadlineError, UnavailableError

FIRST_PAUSE_SECONDS = 0.1
"""Twice as long after each attempt: with five retries 3 seconds, in which a service starts again."""

LONGEST_TIMEOUT_SECONDS = 600
"""What the service takes as X-Request-Timeout."""


def check_patience(retries: int, timeout: float) -> None:
    """Raise `ValueError` for what no call can be tried by."""
    if not isinstance(retries, int) or retries < 0:
        raise ValueError(f"retries is {retries!r}, but must be a whole number, 0 or more")
    if not isinstance(timeout, int | float) or not 0 < timeout <= LONGEST_TIMEOUT_SECONDS:
        most = LONGEST_TIMEOUT_SECONDS
        raise ValueError(f"timeout is {timeout!r}, but must be above 0 and at most {most} seconds")


class Attempts:
    """The attempts of one call, which share one time."""

    def __init__(self, retries: int, timeout: float) -> None:
        self._retries = retries
        self._made = 0
        self._timeout = timeout
        self._end = time.monotonic() + timeout

    def left(self) -> float:
        """Return the seconds that are left. Raises `DeadlineError` when there are none."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise self.too_late()
        return left

    def too_late(self) -> DeadlineError:
        """Return what says that the time is over."""
        return DeadlineError(f"No answer within {self._timeout:g} seconds")

    def pause_after(self, error: UnavailableError) -> float:
        """Return the seconds to wait before the next attempt. Raises `error` where there will be none."""
        backoff = FIRST_PAUSE_SECONDS * 2.0**self._made * uniform(0.5, 1.0)  # noqa: S311 - no secret
        # never before the time that the service asks for, and not with all others just then
        pause = (error.retry_after or 0) + backoff
        if self._made == self._retries or time.monotonic() + pause >= self._end:
            raise error
        self._made += 1
        return pause
