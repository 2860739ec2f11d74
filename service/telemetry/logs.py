"""The log: JSON, a line for each record, or on a terminal what a person reads."""

import json
import logging
import sys
import time
from functools import lru_cache
from typing import Any

from service.settings import Settings

LOGGER = "phone_price"

MOST_CHARACTERS = 20_000
"""Of one field: a stack is long, a secret book is longer."""


class JsonFormatter(logging.Formatter):
    """A record as an object on one line: time, level, message, and the exception if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        told = {
            "time": stamp(record.created),
            "level": record.levelname.lower(),
            "message": record.getMessage()[:MOST_CHARACTERS],
        }
        if record.exc_info:
            told["exception"] = self.formatException(record.exc_info)[:MOST_CHARACTERS]
        return json.dumps(told)


def stamp(seconds: float) -> str:
    """Return a moment as in 2026-11-23T13:41:05.250Z."""
    return f"{_second(int(seconds))}.{int(seconds % 1 * 1000):03d}Z"


@lru_cache(maxsize=2)  # a thousand lines are of one second
def _second(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))


def in_json(settings: Settings) -> bool:
    """Whether lines are for programs: as set, else where nobody sits at a terminal."""
    return settings.log_format == "json" or (settings.log_format == "auto" and not sys.stderr.isatty())


def configuration(settings: Settings) -> dict[str, Any]:
    """Return what uvicorn gives to `logging.config.dictConfig`, in each of its processes."""
    text = {"()": "uvicorn.logging.DefaultFormatter", "fmt": "%(levelprefix)s %(message)s"}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": "service.telemetry.logs.JsonFormatter"} if in_json(settings) else text},
        "handlers": {"standard_error": {"class": "logging.StreamHandler", "formatter": "line"}},
        "loggers": {
            name: {"handlers": ["standard_error"], "level": "INFO", "propagate": False}
            for name in ("uvicorn", LOGGER)
        },
    }
