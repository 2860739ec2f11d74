"""Why a call got no answer. All can be pickled: pools of processes hand them on."""

from contract.errors import PhonePriceError
from contract.violation import Violation


class InvalidPhoneError(PhonePriceError, ValueError):
    """A mapping is no phone, and nothing was sent; `violations` say what is wrong and where."""

    def __init__(self, text: str, violations: tuple[Violation, ...] = ()) -> None:
        super().__init__(text)
        self.violations = violations


class ServiceError(PhonePriceError):
    """Base of what comes back in place of an answer."""


class RefusalError(ServiceError):
    """The service refuses what was sent, or who sent it; the same call will not do better.

    `status` is from 400 to 499. `violations` say what is wrong and where; a proxy's refusal has none.
    """

    def __init__(self, text: str, status: int = 400, violations: tuple[Violation, ...] = ()) -> None:
        super().__init__(text)
        self.status = status
        self.violations = violations


class UnavailableError(ServiceError):
    """There is no connection, or it broke, or the service has too much to do: after all retries.

    `retry_after` has the seconds after which it wants to be asked again, if it says so.
    """

    def __init__(self, text: str, retry_after: float | None = None) -> None:
        super().__init__(text)
        self.retry_after = retry_after


class DeadlineError(ServiceError):
    """The time that the call was given has gone by."""


class AnswerError(ServiceError):
    """The service failed, or what answers at its address is something else."""
