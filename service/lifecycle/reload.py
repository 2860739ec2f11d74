"""Following CURRENT while serving: what it names anew is loaded and proved beside the version that answers.

Only what was proved ever answers: a version that is not whole changes nothing but what `/health`, the log and
the metrics say. Going back is naming the older version in CURRENT.
"""

import asyncio
import logging
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from contract.bundle import Hold, current_version, hold_version
from contract.errors import LoadTimeoutError, PhonePriceError
from service.lifecycle.time_limit import TimeLimit
from service.predictor import Predictor, load_predictor
from service.settings import Settings
from service.telemetry.logs import LOGGER

RETRY_SECONDS = 30.0
"""A version that was refused is looked at again after this long: it may have been copied only in part."""

MAX_LOAD_SECONDS = 60.0
"""A load takes less than a second; one that hangs, as on a file system that has gone, is given up."""

PROVED = "PHONE_PRICE_PROVED_VERSION"
"""Environment variable by which the supervisor tells its workers the version that it has proved last."""

log = logging.getLogger(LOGGER)


@dataclass(frozen=True)
class Refusal:
    """What CURRENT names and cannot be served."""

    version: str | None
    """None where CURRENT itself cannot be read."""
    error: PhonePriceError


class Follower:
    """Knows which version answers, holds it, and knows why what CURRENT names does not."""

    def __init__(self, settings: Settings, serving: str) -> None:
        self.serving = serving
        self._hold = hold_version(settings.artifacts, serving)
        self.refusal: Refusal | None = None
        self._settings = settings
        self._look_again = 0.0
        self._loads: dict[str, TimeLimit[tuple[Hold | None, Predictor]]] = {}  # that were given up

    def look(self) -> Predictor | Refusal | None:
        """Load what CURRENT names if it is not what answers; return it or its refusal, if that is news."""
        try:
            named = current_version(self._settings.artifacts)
        except PhonePriceError as error:
            return self._refused(None, error)
        if named == self.serving:
            self.refusal = None
            return None
        if self.refusal and self.refusal.version == named and time.monotonic() < self._look_again:
            return None
        try:
            hold, predictor = self._load(named)
        except PhonePriceError as error:
            return self._refused(named, error)
        if self._hold:
            self._hold.release()
        self.serving, self.refusal, self._hold = named, None, hold
        return predictor

    def _load(self, version: str) -> tuple[Hold | None, Predictor]:
        """Hold a version and load it. Raises `LoadTimeoutError` for a load that does not end."""
        if version in self._loads and self._loads[version].is_running:
            raise LoadTimeoutError(f"an earlier load of {version} has still not ended")
        load = TimeLimit(lambda: self._held_and_loaded(version))
        try:
            return load.result(MAX_LOAD_SECONDS)
        except TimeoutError:
            self._loads[version] = load
            raise LoadTimeoutError(
                f"to load {version} takes over {MAX_LOAD_SECONDS:g} s: does its file system answer?"
            ) from None

    def _held_and_loaded(self, version: str) -> tuple[Hold | None, Predictor]:
        hold = hold_version(self._settings.artifacts, version)  # before it is read
        return hold, load_predictor(self._settings, version)

    def _refused(self, version: str | None, error: PhonePriceError) -> Refusal | None:
        known = self.refusal
        self.refusal = Refusal(version, error)
        self._look_again = time.monotonic() + RETRY_SECONDS
        news = known is None or (known.version, str(known.error)) != (version, str(error))
        return self.refusal if news else None


async def follow(
    follower: Follower, seconds: float, serve: Callable[[Predictor], None], refused: Callable[[], None]
) -> None:
    """Look at CURRENT every so many seconds, beside the event loop, until cancelled; tell of what is new."""
    while seconds:
        await asyncio.sleep(seconds)
        try:
            news = await asyncio.to_thread(follower.look)
        except Exception:
            log.exception("CURRENT could not be followed; trying again")
            continue
        if isinstance(news, Predictor):
            log.info("serving model %s from now on", news.version)
            serve(news)
        elif news is not None:
            named = news.version or "what CURRENT names"
            log.error("still serving %s, as %s is refused: %s", follower.serving, named, news.error)
            refused()


def load_first(settings: Settings) -> Predictor:
    """Load what CURRENT names; a worker that is started again, else what its supervisor proved last.

    Raises a `BundleError` or `EngineError`. Without the second, a bad version and the end of one worker would
    end them all: a supervisor gives up where a worker cannot start, time and again.
    """
    try:
        return load_predictor(settings)
    except PhonePriceError as error:
        proved = os.environ.get(PROVED)
        if proved is None:
            raise
        log.error("serving %s, as CURRENT is refused: %s", proved, error)
        return load_predictor(settings, proved)


def keep_proved(settings: Settings, first: str) -> None:
    """Tell workers yet to be started which version was proved last; for a thread of the supervisor."""
    os.environ[PROVED] = first
    follower = Follower(settings, first)
    if not settings.reload_seconds:
        threading.Event().wait()  # for ever: the version that workers come back on stays held
    while settings.reload_seconds:
        time.sleep(settings.reload_seconds)
        try:
            follower.look()
        except Exception:
            log.exception("CURRENT could not be followed; trying again")
        os.environ[PROVED] = follower.serving
