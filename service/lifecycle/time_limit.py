"""Run a function that may never end, and give it up after a while."""

from collections.abc import Callable
from threading import Thread
from typing import Generic, TypeVar

Result = TypeVar("Result")


class TimeLimit(Generic[Result]):
    """A call on a thread of its own, which the end of the process does not wait for."""

    def __init__(self, call: Callable[[], Result]) -> None:
        self._call = call
        self._result: Result | None = None
        self._error: BaseException | None = None
        self._thread = Thread(target=self._run, daemon=True)

    def result(self, seconds: float) -> Result:
        """Run the call; return its result or raise its error. Raises `TimeoutError` after `seconds`."""
        self._thread.start()
        self._thread.join(seconds)
        if self._thread.is_alive():
            raise TimeoutError
        if self._error:
            raise self._error
        return self._result  # type: ignore[return-value]  # without an error there is one

    @property
    def is_running(self) -> bool:
        """Whether the call has not ended, though it may have been given up."""
        return self._thread.is_alive()

    def _run(self) -> None:
        try:
            self._result = self._call()
        except BaseException as error:  # noqa: BLE001 - raised where the result is waited for
            self._error = error
