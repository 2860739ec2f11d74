"""Schemathesis asks for whatever the interface's description allows and forbids, with keys and without."""

import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from service.process import create_app
from service.settings import Settings
from trials.outcome import Control, Outcome, at_least, exactly
from trials.service import PROJECT, Service, serving, variant

KIND = "fuzz"
PASSES = (
    "At least 10,000 cases of every operation, keys on and off: no check fails, no answer takes over a second"
)

KEY = "a-key-of-the-one-who-prices-phones-0"
RULES = Path(__file__).parents[1] / "schemathesis.toml"
AT_ONCE = 2
"""Runs; most of the work is making up the cases."""

TRIES = 3
"""Of an operation that only takes too long: a busy machine does so once, a fault each time."""

_GENERATED = re.compile(r"(\d+) generated")
_FAILURE = re.compile(r"^- (?:ST\d+ )?(.+)$", re.MULTILINE)
_TOO_SLOW = "Response time limit exceeded"


@dataclass(frozen=True)
class Found:
    """What one run told."""

    cases: int
    failed: bool
    told: str

    @property
    def only_slow(self) -> bool:
        """Whether nothing failed but the limit of time."""
        return self.failed and set(_FAILURE.findall(self.told)) == {_TOO_SLOW}


def run(long: bool) -> Outcome:
    """10,000 of each: half an hour; or a dozen, every other operation with keys and the rest without."""
    cases, paths = (10_000 if long else 12), _paths()
    with serving() as service:
        open_ = _fuzzed(service, cases, paths if long else paths[::2])
    with serving(PHONE_PRICE_API_KEYS=KEY) as service:
        guarded = _fuzzed(service, cases, paths if long else paths[1::2], KEY)
    with serving(command=variant("incomplete_answers")) as service:
        without = _run(service, 12, None, "/predict")
    found = {**open_, **{f"{name}, with keys": each for name, each in guarded.items()}}
    return Outcome(
        lines=[
            at_least("operations, with keys and without", len(found), 78 if long else 39),
            at_least("cases of the one with the fewest", min(each.cases for each in found.values()), cases),
            exactly("operations with a failure", sum(each.failed for each in found.values()), 0),
        ],
        controls=[
            Control(
                what="a service that leaves out the label of a price range",
                failed="Response violates schema" in without.told,
                seen="the answer violates its schema",
            )
        ],
        figures={
            "cases": sum(each.cases for each in found.values()),
            "failures": [each.told[-3_000:] for each in found.values() if each.failed],
        },
    )


def _fuzzed(
    service: Service, cases: int, paths: Sequence[str], key: str | None = None
) -> Mapping[str, Found]:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return dict(zip(paths, pool.map(partial(_run_patiently, service, cases, key), paths), strict=True))


def _paths() -> list[str]:
    """Return the path of each operation: none has two."""
    return list(create_app(Settings()).openapi()["paths"])


def _run_patiently(service: Service, cases: int, key: str | None, path: str) -> Found:
    """Ask again, for the same, where only the limit of time was not kept."""
    found = _run(service, cases, key, path)
    for _ in range(TRIES - 1):
        if found.only_slow:
            found = _run(service, cases, key, path)
    return found


def _run(service: Service, cases: int, key: str | None, path: str) -> Found:
    """Ask for one operation; schemathesis generates some more cases than told."""
    url = f"http://127.0.0.1:{service.port}/openapi.json"
    options = ["--checks", "all", "--max-examples", str(cases), "--seed", "1", "--max-response-time", "1"]
    chosen = ["--include-path", path]
    header = ["--header", f"X-API-Key: {key}"] if key else []
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(RULES), "run", url]
    done = subprocess.run(
        [*command, *options, *chosen, *header, "--suppress-health-check", "all", "--continue-on-failure"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    generated = _GENERATED.search(done.stdout)
    return Found(int(generated[1]) if generated else 0, done.returncode != 0, done.stdout)
