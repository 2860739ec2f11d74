"""python -m benchmarks.earlier REVISION: `POST /predict` as it is, beside what it was at an earlier commit.

Both run in the environment of today, one worker on one core, wrk on another, in turn; each serves the bundle
of its own commit. A ratio is of two figures of one round.
"""

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from pydantic import BaseModel
from rich.console import Console

from benchmarks.catalogue import ours
from benchmarks.comparison import Measured, Ratio
from benchmarks.errors import BenchmarkError
from benchmarks.machine import Machine
from benchmarks.peer import Peer
from benchmarks.phones import expected
from benchmarks.report import MeasuredHere, Section, tell
from benchmarks.serving import MOST, Plan, loaded
from benchmarks.terminal import (
    JsonOption,
    MarkdownOption,
    RoundsOption,
    SecondsOption,
    WarmUpOption,
    failures_as_messages,
)
from benchmarks.virtual_environment import PROJECT
from benchmarks.wrk import Load

KEY = "a-key-that-only-this-benchmark-has-0"

PAIRS = (
    ("now", "then"),
    ("now, logging, with a key", "then, logging"),
    ("now, logging, with a key", "then"),
)
"""What is held against what."""


class Beside(BaseModel):
    """One state beside another, and their ratio in every round."""

    now: str
    then: str
    ratio: Ratio


class Figures(MeasuredHere):
    """What was measured, by state of the code, and what comes of it."""

    revision: str
    plan: Plan
    states: dict[str, Measured]
    ratios: list[Beside]


@contextmanager
def checked_out(revision: str) -> Iterator[Path]:
    """Lay the files of a commit into a folder of their own. Raises `BenchmarkError`."""
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder, "commit.tar")
        commands = (
            ["git", "archive", "--output", str(archive), revision],
            ["tar", "--extract", "--file", str(archive), "--directory", folder],
        )
        for command in commands:
            done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)  # noqa: S603 - our own list
            if done.returncode != 0:
                raise BenchmarkError(f"there is no commit {revision}: {done.stderr.strip()}")
        yield Path(folder)


def states(earlier: Path) -> dict[str, Peer]:
    """Return what is measured: then and now, each without an access log, and with all that it can have."""
    quiet = ours()
    logging = {"PHONE_PRICE_ACCESS_LOG": "true"}
    then = replace(
        quiet,
        folder=earlier,
        environment={**quiet.environment, "PHONE_PRICE_ARTIFACTS": str(earlier / "artifacts")},
    )
    guarded = {**quiet.environment, **logging, "PHONE_PRICE_API_KEYS": KEY, "PHONE_PRICE_LOG_FORMAT": "json"}
    return {
        "then": then,
        "now": quiet,
        "then, logging": replace(then, environment={**then.environment, **logging}),
        "now, logging, with a key": replace(quiet, environment=guarded, headers={"X-API-Key": KEY}),
    }


def measure(revision: str, plan: Plan, console: Console) -> Figures:
    """Let the states take turns. Raises `BenchmarkError`."""
    machine, right = Machine.this(), expected()
    with checked_out(revision) as earlier:
        peers = states(earlier)
        loads: dict[str, list[Load]] = {name: [] for name in peers}
        for turn in range(1, plan.rounds + 1):
            console.print(f"round {turn} of {plan.rounds}")
            for name, peer in peers.items():
                loads[name].append(loaded(peer, plan, right, (MOST,))[MOST])
    return Figures(
        machine=machine,
        revision=revision,
        plan=plan,
        states={name: Measured.of(each) for name, each in loads.items()},
        ratios=[Beside(now=now, then=then, ratio=Ratio.of(loads[now], loads[then])) for now, then in PAIRS],
    )


def sections(figures: Figures) -> list[Section]:
    """Return the tables."""
    states_rows = [
        [
            name,
            measured.requests_per_second.text(0),
            f"{measured.p50_ms.median:,.2f}",
            f"{measured.p99_ms.median:,.2f}",
        ]
        for name, measured in figures.states.items()
    ]
    ratio_rows = [[each.now, each.then, each.ratio.requests_per_second.text(2)] for each in figures.ratios]
    return [
        Section(
            title=f"One worker, one core, {MOST} connections; then is {figures.revision}",
            header=["", "requests/s", "p50 ms", "p99 ms"],
            rows=states_rows,
            remark=f"Medians of {figures.plan.rounds} rounds of {figures.plan.seconds} s in turn "
            "(smallest to largest).",
        ),
        Section(title="Requests per second, of the same round", header=["", "to", "ratio"], rows=ratio_rows),
    ]


def main(
    revision: Annotated[str, typer.Argument(help="The earlier commit.")],
    rounds: RoundsOption = 9,
    seconds: SecondsOption = 4,
    warm_up: WarmUpOption = 1,
    json: JsonOption = None,
    markdown_file: MarkdownOption = None,
) -> None:
    """Measure `POST /predict` now and then."""
    console = Console(highlight=False)
    with failures_as_messages(console):
        figures = measure(revision, Plan(rounds=rounds, seconds=seconds, warm_up_seconds=warm_up), console)
    tell(figures, sections(figures), json, markdown_file)


if __name__ == "__main__":
    typer.run(main)
