"""A bundle is cut short, altered by a bit, by accident or on purpose, or holds a pickle that runs code."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from unittest.mock import patch

from contract.bundle import current_version
from contract.errors import BundleError, EngineError
from service.predictor import load_predictor
from service.settings import Settings
from trials.alterations import (
    MANIFEST,
    SCALER,
    WEIGHTS,
    Alteration,
    bit_flips,
    mistakes,
    payloads,
    truncations,
)
from trials.outcome import Control, Outcome, at_least, exactly
from trials.service import ARTIFACTS, PROJECT, SERVE, free_port

KIND = "chaos"
PASSES = (
    "Every truncation of manifest and scaler, 500 of the weights, 1,000 flipped bits and all mistakes are "
    "refused before anything is served, by exit 3 and one line that names the file; no pickle is ever opened"
)

ENGINES: tuple[Literal["onnx", "torch"], ...] = ("onnx", "torch")

REFUSED = 3
"""Exit status of a service that does not start because of its bundle."""


@dataclass
class Tally:
    """What became of the altered bundles."""

    tried: int = 0
    believed: int = 0
    not_named: int = 0


def run(long: bool) -> Outcome:
    """Load every alteration as the service does, and start the service on the mistakes: minutes, or 10 s."""
    with _scratch() as artifacts:
        directory = artifacts / current_version(artifacts)
        altered = list(_all(directory, long))
        tally = _load(artifacts, altered)
        started, wrongly = _start(artifacts, mistakes()[:: 1 if long else 12])
        ran = _open(artifacts)
        with _no_hashes():
            unseen = _load(artifacts, bit_flips(directory, 100))
    return Outcome(
        lines=[
            at_least("altered bundles", tally.tried, 23_000 if long else 300),
            exactly("believed", tally.believed, 0),
            exactly("refused without naming the file", tally.not_named, 0),
            exactly("services that did not exit with 3 and one line", wrongly, 0),
            exactly("pickles opened by the service", ran["onnx"], 0),
        ],
        controls=[
            Control(
                what="a reader that does not compare digests",
                failed=unseen.believed > 0,
                seen=f"{unseen.believed} of {unseen.tried} flipped bits were believed",
            ),
            Control(
                what="an engine that unpickles",
                failed=ran["torch"] > 0,
                seen=f"{ran['torch']} payload ran",
            ),
        ],
        figures={"services started": started},
    )


def _all(directory: Path, long: bool) -> Iterator[Alteration]:
    yield from truncations(directory, MANIFEST, None if long else 100)
    yield from truncations(directory, SCALER, None if long else 50)
    yield from truncations(directory, WEIGHTS, 500 if long else 50)
    yield from bit_flips(directory, 1_000 if long else 100)
    yield from mistakes()


def _load(artifacts: Path, alterations: Iterable[Alteration]) -> Tally:
    tally = Tally()
    for alteration in alterations:
        with _applied(artifacts, alteration):
            reason = _refusal(artifacts)
        tally.tried += 1
        tally.believed += reason is None
        tally.not_named += reason is not None and alteration.names not in reason
    return tally


def _refusal(artifacts: Path) -> str | None:
    try:
        load_predictor(Settings(artifacts=artifacts))
    except (BundleError, EngineError) as error:
        return str(error)
    return None


def _start(artifacts: Path, alterations: list[Alteration]) -> tuple[int, int]:
    """Return how many services were started, and how many of them did not refuse as they should."""
    wrongly = 0
    for alteration in alterations:
        with _applied(artifacts, alteration):
            command = [*SERVE, "--artifacts", str(artifacts), "--port", str(free_port())]
            done = subprocess.run(
                command, cwd=PROJECT, capture_output=True, text=True, check=False, timeout=60
            )
        one_line = done.stderr.count("\n") == 1 and alteration.names in done.stderr
        wrongly += done.returncode != REFUSED or not one_line
    return len(alterations), wrongly


def _open(artifacts: Path) -> dict[Literal["onnx", "torch"], int]:
    """Return how many payloads ran in each engine."""
    ran: dict[Literal["onnx", "torch"], int] = {}
    for engine in ENGINES:
        sentinel = artifacts / f".{engine}"
        for alteration in payloads(sentinel):
            with _applied(artifacts, alteration):
                _load_with(artifacts, engine)
        ran[engine] = int(sentinel.exists())
    return ran


def _load_with(artifacts: Path, engine: Literal["onnx", "torch"]) -> None:
    with suppress(BundleError, EngineError):
        load_predictor(Settings(artifacts=artifacts, engine=engine))


@contextmanager
def _scratch() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(shutil.copytree(ARTIFACTS, Path(folder, "artifacts")))


@contextmanager
def _applied(artifacts: Path, alteration: Alteration) -> Iterator[None]:
    """Alter the served version, and put it back whole."""
    directory = artifacts / current_version(artifacts)
    whole = Path(shutil.copytree(directory, artifacts / ".whole"))
    try:
        alteration.apply(directory)
        yield
    finally:
        shutil.rmtree(directory)
        whole.rename(directory)


def _no_hashes() -> AbstractContextManager[object]:
    return patch.multiple(
        "contract.bundle.reader",
        _check_digest=lambda path, manifest: None,
        _read_verified=lambda path, entry: path.read_bytes(),
    )
