"""python -m benchmarks.scale: when a Ray cluster pays for tables, and what it takes.

The same files are scored by `python -m service score`, on one core of this machine and by --engine ray on
all cores of a cluster: a thousand rows, which is what starting takes, then as many as asked for. Memory is
that of the command and of all processes of Ray on this machine, where what is shared counts in parts.
"""

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter, sleep
from typing import Annotated, TypeAlias

import psutil
import typer
from pydantic import BaseModel
from rich.console import Console

from benchmarks.cores import for_server, pinned
from benchmarks.errors import BenchmarkError
from benchmarks.machine import Machine
from benchmarks.phones import ARTIFACTS
from benchmarks.report import MeasuredHere, Section, tell
from benchmarks.spread import Spread
from benchmarks.table_bodies import long_csv, write_parquet
from benchmarks.terminal import JsonOption, MarkdownOption, failures_as_messages
from benchmarks.virtual_environment import PROJECT

KINDS = (".parquet", ".csv")
FEW = 1_000

STARTS = 3
"""Times that a few rows are scored: where there are not many more, starting is most of it."""

Found: TypeAlias = dict[str, list[float]]

LOOK_EVERY = 0.1
"""Seconds between two looks at the memory, which take some of a core themselves."""

RAYS = ("raylet", "gcs_server", "ray::", "ray/_private", "ray/dashboard")
"""What the command line of a process of Ray has in it."""


class Scored(BaseModel):
    """A table by one engine."""

    start_seconds: float
    """A thousand rows, of which nearly all is starting."""
    seconds: Spread
    peak_mib: float

    def rate(self, rows: int) -> float:
        """Return the rows per second once it has started."""
        return (rows - FEW) / (self.seconds.median - self.start_seconds)


class Figures(MeasuredHere):
    """What was measured, by kind of table."""

    rows: int
    address: str
    local: dict[str, Scored]
    ray: dict[str, Scored]

    def pays_from(self, kind: str) -> float | None:
        """Return the rows from which the cluster is the faster one, by their starts and rates."""
        local, ray = self.local[kind], self.ray[kind]
        saved = 1 / local.rate(self.rows) - 1 / ray.rate(self.rows)
        return (ray.start_seconds - local.start_seconds) / saved if saved > 0 else None


def measure(rows: int, rounds: int, address: str, console: Console) -> Figures:
    """Score tables by both engines, in turn. Raises `BenchmarkError` if one fails."""
    engines = {"local": ["--engine", "local"], "ray": ["--engine", "ray", "--address", address]}
    found: dict[str, dict[str, Scored]] = {name: {} for name in engines}
    with tempfile.TemporaryDirectory(prefix="phone-price-scale-") as folder:
        for kind in KINDS:
            console.print(f"writing {rows:,} rows of {kind}")
            few, many = (_table(Path(folder) / f"{count}{kind}", count) for count in (FEW, rows))
            starts: Found = {name: [] for name in engines}
            seconds: Found = {name: [] for name in engines}
            peaks: Found = {name: [] for name in engines}
            for turn in range(max(rounds, STARTS)):
                for name, options in engines.items():
                    console.print(f"round {turn + 1}: {kind} by {name}")
                    starts[name].append(_scored(few, options)[0])
                    if turn < rounds:
                        taken, peak = _scored(many, options)
                        seconds[name].append(taken)
                        peaks[name].append(peak)
            for name in engines:
                found[name][kind] = Scored(
                    start_seconds=Spread.of(starts[name]).median,
                    seconds=Spread.of(seconds[name]),
                    peak_mib=max(peaks[name]),
                )
            few.unlink()
            many.unlink()
    return Figures(machine=Machine.this(), rows=rows, address=address, **found)


def _table(path: Path, rows: int) -> Path:
    if path.suffix == ".parquet":
        write_parquet(path, rows)
    else:
        with path.open("wb") as file:
            file.writelines(long_csv(rows))
    return path


def _scored(source: Path, options: Sequence[str]) -> tuple[float, float]:
    """Return the seconds that the command takes, and the most MiB that it and Ray have meanwhile."""
    with tempfile.TemporaryDirectory(prefix="phone-price-scale-") as folder:
        target = Path(folder) / ("scored.parquet" if "local" in options else "scored")
        command = [sys.executable, "-m", "service", "score", str(source), str(target), *options]
        command += ["--to", "parquet", "--artifacts", str(ARTIFACTS)]
        start, peak = perf_counter(), 0.0
        on_one_core = pinned(command, for_server()) if "ray" not in options else command
        process = subprocess.Popen(  # noqa: S603 - our own list
            on_one_core, cwd=PROJECT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        while process.poll() is None:
            peak = max(peak, _mib(process.pid, with_ray="ray" in options))
            sleep(LOOK_EVERY)
        seconds = perf_counter() - start
        if process.returncode != 0:
            assert process.stderr is not None  # noqa: S101 - it is piped
            raise BenchmarkError(f"score failed: {process.stderr.read().decode()[-2_000:]}")
    return seconds, peak


def _mib(command: int, with_ray: bool) -> float:
    found = [each for each in psutil.process_iter() if each.pid == command or (with_ray and _is_rays(each))]
    return sum(map(_proportional, found)) / 2**20


def _is_rays(process: psutil.Process) -> bool:
    try:
        return any(name in " ".join(process.cmdline()) for name in RAYS)
    except psutil.Error:
        return False


def _proportional(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except psutil.Error:
        return 0


def sections(figures: Figures) -> list[Section]:
    """Return the table."""
    rows = []
    for kind in KINDS:
        for name, scored in (("one core", figures.local[kind]), ("Ray", figures.ray[kind])):
            pays = figures.pays_from(kind) if name == "Ray" else None
            rows.append(
                [
                    f"{kind}, {name}",
                    scored.seconds.text(1),
                    f"{scored.start_seconds:.1f}",
                    f"{scored.rate(figures.rows):,.0f}",
                    f"{scored.peak_mib:,.0f}",
                    f"{pays:,.0f}" if pays else "",
                ]
            )
    header = ["", "s", "of these to start", "rows/s then", "MiB at most", "pays from rows"]
    remark = (
        "Medians of rounds in turn (smallest to largest), all to Parquet. MiB of all processes, with those "
        f"of the cluster ({figures.address}) on this machine."
    )
    return [Section(f"{figures.rows:,} rows", header, rows, remark)]


def main(
    rows: Annotated[int, typer.Option(min=10_000, help="Rows of each table.")] = 20_000_000,
    rounds: Annotated[int, typer.Option(min=1, help="How often each is scored.")] = 1,
    address: Annotated[str, typer.Option(help="HOST:PORT of the cluster; local starts one here.")] = "local",
    json: JsonOption = None,
    markdown_file: MarkdownOption = None,
) -> None:
    """Measure tables on one core and on a cluster."""
    console = Console(highlight=False)
    with failures_as_messages(console):
        figures = measure(rows, rounds, address, console)
    tell(figures, sections(figures), json, markdown_file)


if __name__ == "__main__":
    typer.run(main)
