"""SIGTERM comes while a request is under way that never ends."""

import signal
import threading
import time

import psutil

from trials.bad_requests import phone
from trials.outcome import Control, Outcome, at_most, exactly
from trials.raw_http import ask, posted
from trials.service import serving, variant

KIND = "chaos"
PASSES = "It ends within grace + 2 s; else it is killed, and the trial fails"

RIGHT = (0, -signal.SIGTERM, 128 + signal.SIGTERM)


def run(long: bool) -> Outcome:
    """With the service's grace of 20 s; or with 3 s."""
    grace = 20 if long else 3
    seconds, status = _ended(str(grace), grace + 2)
    without, _ = _ended("none", grace + 2)
    return Outcome(
        lines=[
            at_most("end after", seconds, grace + 2, "s"),
            exactly("other status than 0 or 143", int(status not in RIGHT), 0),
        ],
        controls=[
            Control(what="a grace without an end", failed=without > grace + 2, seen="it had to be killed")
        ],
        figures={"grace s": grace},
    )


def _ended(grace: str, longest: float) -> tuple[float, int | None]:
    """Return the seconds from SIGTERM to the end, infinity where it had to be killed, and the status."""
    with serving(command=variant("hung"), TRIAL_GRACE=grace) as service:
        asking = threading.Thread(target=ask, args=(service.port, posted("/predict", phone()), 60))
        asking.start()
        time.sleep(0.5)
        service.process.terminate()
        start = time.monotonic()
        try:
            status = service.process.wait(timeout=longest)
            return time.monotonic() - start, status
        except psutil.TimeoutExpired:
            service.process.kill()
            return float("inf"), None
        finally:
            asking.join()
