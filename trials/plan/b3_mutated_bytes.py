"""Valid bodies of every kind are altered byte by byte, a million times."""

import asyncio
import json
import math
import multiprocessing
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from itertools import islice
from unittest.mock import patch

import psutil
from pydantic import BaseModel

from trials import in_process
from trials.mutations import Body, mutated, valid_bodies
from trials.outcome import Control, Outcome, at_least, at_most, exactly

KIND = "fuzz"
PASSES = (
    "1,000,000 cases: no answer of 500 or more, none over a second or over 8 KiB if it is an error, each 200 "
    "with finite probabilities that sum to 1; memory grows by at most 32 MiB"
)

PROCESSES = 2
ALONE = 0.95
"""The share of POST /predict; tables take much longer."""

LARGEST_ERROR = 8 * 1024
MEBIBYTE = 2**20


class Found(BaseModel):
    """What one process found."""

    statuses: Counter[int] = Counter()
    slowest: float = 0.0
    longest_error: int = 0
    wrong: int = 0
    """200s without probabilities as they should be."""
    telling: int = 0
    """Answers with a traceback."""
    grown: float = 0.0
    """MiB after the first tenth."""
    first_failure: str = ""


def run(long: bool) -> Outcome:
    """A million, in two processes: 10 minutes; or 8,000."""
    cases = 1_000_000 if long else 8_000
    with ProcessPoolExecutor(PROCESSES, mp_context=multiprocessing.get_context("spawn")) as pool:
        found = list(pool.map(_fuzzed, [cases // PROCESSES] * PROCESSES, range(PROCESSES)))
    with patch("service.app.install_error_handlers"):
        without = _fuzzed(2_000, 0)
    statuses = sum((each.statuses for each in found), Counter[int]())
    return Outcome(
        lines=[
            at_least("cases", statuses.total(), cases),
            exactly("answers of 500 or more", _failures(statuses), 0),
            exactly("wrong probabilities", sum(each.wrong for each in found), 0),
            exactly("tracebacks", sum(each.telling for each in found), 0),
            at_most("slowest", max(each.slowest for each in found), 1.0, "s"),
            at_most("longest error", max(each.longest_error for each in found), LARGEST_ERROR, "bytes"),
            at_most("memory grown", max(each.grown for each in found), 32, "MiB"),
        ],
        controls=[
            Control(
                what="FastAPI's own error handlers",
                failed=_failures(without.statuses) > 0,
                seen=f"{_failures(without.statuses)} of {without.statuses.total()} fail",
            )
        ],
        figures={
            "statuses": dict(sorted(statuses.items())),
            "first failure": next((each.first_failure for each in found if each.first_failure), ""),
        },
    )


def _failures(statuses: Counter[int]) -> int:
    return sum(count for status, count in statuses.items() if status >= 500)


def _fuzzed(cases: int, seed: int) -> Found:
    return asyncio.run(_ask(cases, seed))


async def _ask(cases: int, seed: int) -> Found:
    found, process, early = Found(), psutil.Process(), 0
    async with in_process.started() as service:
        for number, body in enumerate(islice(mutated(valid_bodies(), ALONE, seed), cases)):
            _note(found, body, await service.post(body))
            if number == cases // 10:
                early = process.memory_info().rss
    found.grown = (process.memory_info().rss - early) / MEBIBYTE
    return found


def _note(found: Found, body: Body, outcome: in_process.Outcome) -> None:
    found.statuses[outcome.status] += 1
    found.slowest = max(found.slowest, outcome.seconds)
    found.telling += b"Traceback" in outcome.content
    if outcome.status >= 500 and not found.first_failure:
        found.first_failure = f"{body.path} {body.kind} {body.content[:2_000]!r}"
    if outcome.status != 200:
        found.longest_error = max(found.longest_error, len(outcome.content))
    elif body.path == "/predict":
        found.wrong += not _is_right(outcome.content)


def _is_right(content: bytes) -> bool:
    probabilities = json.loads(content)["probabilities"]
    return all(map(math.isfinite, probabilities)) and math.isclose(sum(probabilities), 1, abs_tol=1e-5)
