"""python -m benchmarks.tables: how many rows per second, over HTTP and from file to file.

One worker on one core, this program on another; CSV and Arrow beside pyarrow without any checks, CSV also
beside what tutorials do with pandas and torch. Then a long CSV is streamed while somebody asks /health, and a
Parquet file is scored by `python -m service score`.
"""

import os
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from http.client import HTTPConnection
from pathlib import Path
from threading import Event, Thread
from time import perf_counter, sleep
from typing import Annotated

import typer
from pydantic import BaseModel
from rich.console import Console

from benchmarks.catalogue import PEERS, PLAIN
from benchmarks.chart import Panel, draw
from benchmarks.cores import available, for_load, for_server, pinned
from benchmarks.errors import BenchmarkError
from benchmarks.machine import Machine
from benchmarks.phones import ARTIFACTS
from benchmarks.report import MeasuredHere, Section, tell
from benchmarks.server import Server, running
from benchmarks.spread import Spread
from benchmarks.table_bodies import body, long_csv, phones, write_parquet
from benchmarks.target import Target, targets_section
from benchmarks.terminal import ChartOption, JsonOption, MarkdownOption, RoundsOption, failures_as_messages
from benchmarks.virtual_environment import PROJECT
from service.media_type import ARROW, CSV, JSON, NDJSON, PARQUET

ROWS = {JSON: 1_000, NDJSON: 20_000, CSV: 100_000, ARROW: 100_000, PARQUET: 100_000}
TITLES = {JSON: "JSON", NDJSON: "NDJSON", CSV: "CSV", ARROW: "Arrow, float32", PARQUET: "Parquet, float32"}
OTHERS = ((PLAIN, (CSV, ARROW)), (PEERS["tutorial"], (CSV,)))
"""Who else takes whole tables, and of which kinds."""

PROMISED = {JSON: 150_000, CSV: 900_000, ARROW: 3_000_000}

PROBE_EVERY = 0.01
"""Seconds between two requests of /health while a table streams."""


class Streamed(BaseModel):
    """A long CSV, and how the service was meanwhile."""

    rows: int
    rows_per_second: float
    slowest_health_ms: float
    resident_mib: float


class Scored(BaseModel):
    """A Parquet file scored into another, on one core."""

    rows: int
    rows_per_second: float
    peak_mib: float


class Figures(MeasuredHere):
    """What was measured, in rows per second unless said."""

    rounds: int
    ours: dict[str, Spread]
    others: dict[str, dict[str, Spread]]
    """By name and kind."""
    ratios: dict[str, dict[str, Spread]]
    """Ours over theirs."""
    streamed: Streamed
    scored: Scored
    targets: list[Target]


def measure(rounds: int, streamed_rows: int, scored_rows: int, console: Console) -> Figures:
    """Measure all of it. Raises `BenchmarkError` if a server fails."""
    machine, server_cores = Machine.this(), for_server()
    os.sched_setaffinity(0, for_load())
    bodies = {kind: body(kind, phones(rows)) for kind, rows in ROWS.items()}
    everyone = ((PEERS["ours"], tuple(ROWS)), *OTHERS)
    found: dict[str, dict[str, list[float]]] = {
        peer.name: {kind: [] for kind in kinds} for peer, kinds in everyone
    }
    for turn in range(1, rounds + 1):
        console.print(f"round {turn} of {rounds}")
        for peer, kinds in everyone:
            with running(peer, server_cores) as server:
                for kind in kinds:
                    found[peer.name][kind].append(_rows_per_second(server, kind, bodies[kind]))
    console.print(f"streaming {streamed_rows:,} rows of CSV")
    with running(PEERS["ours"], server_cores) as server:
        streamed = _streamed(server, streamed_rows)
    console.print(f"scoring {scored_rows:,} rows of Parquet")
    scored = _scored(scored_rows, server_cores)
    ours = found.pop("ours")
    spreads = {kind: Spread.of(each) for kind, each in ours.items()}
    return Figures(
        machine=machine,
        rounds=rounds,
        ours=spreads,
        others={
            name: {kind: Spread.of(each) for kind, each in theirs.items()} for name, theirs in found.items()
        },
        ratios={
            name: {kind: Spread.of_ratios(ours[kind], each) for kind, each in theirs.items()}
            for name, theirs in found.items()
        },
        streamed=streamed,
        scored=scored,
        targets=_targets(spreads, streamed, scored),
    )


def _rows_per_second(server: Server, kind: str, content: bytes, seconds: float = 1.0) -> float:
    """Post the table again and again for that long, after once that is not counted."""
    _post(server, kind, content)
    tables, start = 0, perf_counter()
    while (taken := perf_counter() - start) < seconds:
        _post(server, kind, content)
        tables += 1
    return tables * ROWS[kind] / taken


def _post(server: Server, kind: str, content: bytes | Iterable[bytes]) -> int:
    """Return the size of the answer."""
    connection = HTTPConnection("127.0.0.1", server.port, timeout=300)
    try:
        headers = {"Content-Type": kind, "Accept": kind}
        connection.request("POST", "/predict/batch", content, headers)
        response = connection.getresponse()
        size = sum(len(piece) for piece in iter(lambda: response.read(1 << 20), b""))
    finally:
        connection.close()
    if response.status != 200:
        raise BenchmarkError(f"{server.peer.title} answered {response.status} to a table of {kind}")
    return size


def _streamed(server: Server, rows: int) -> Streamed:
    waits, done = [0.0], Event()

    def probe() -> None:
        while not done.wait(PROBE_EVERY):
            connection = HTTPConnection("127.0.0.1", server.port, timeout=60)
            start = perf_counter()
            connection.request("GET", "/health")
            connection.getresponse().read()
            waits.append(perf_counter() - start)
            resident.append(server.resident_mib()[0])
            connection.close()

    resident = server.resident_mib()
    prober = Thread(target=probe)
    prober.start()
    start = perf_counter()
    try:
        _post(server, CSV, long_csv(rows))
        taken = perf_counter() - start
    finally:
        done.set()
        prober.join()
    return Streamed(
        rows=rows,
        rows_per_second=rows / taken,
        slowest_health_ms=1_000 * max(waits),
        resident_mib=max(resident),
    )


def _scored(rows: int, cores: Sequence[int]) -> Scored:
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "phones.parquet"), Path(folder, "answers.parquet")
        write_parquet(source, rows)
        python = PEERS["ours"].python()
        command = [str(python), "-m", "service", "score", str(source), str(target)]
        start = perf_counter()
        process = subprocess.Popen(  # noqa: S603 - our own command
            pinned([*command, "--artifacts", str(ARTIFACTS)], cores), cwd=PROJECT
        )
        peak = 0.0
        while process.poll() is None:
            peak = max(peak, _peak_mib(process.pid))
            sleep(PROBE_EVERY)
        taken = perf_counter() - start
    if process.returncode:
        raise BenchmarkError(f"score ended with status {process.returncode}")
    return Scored(rows=rows, rows_per_second=rows / taken, peak_mib=peak)


def _peak_mib(process: int) -> float:
    """Read the high-water mark that the kernel keeps of a process; it forgets what was there before exec."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:  # it has ended
        return 0.0
    return sum(int(line.split()[1]) / 2**10 for line in lines if line.startswith("VmHWM"))


def _targets(ours: dict[str, Spread], streamed: Streamed, scored: Scored) -> list[Target]:
    return [
        *(
            Target(what=f"rows/s, {TITLES[kind]} over HTTP", found=ours[kind].median, at_least=promised)
            for kind, promised in PROMISED.items()
        ),
        Target(what="slowest /health while a CSV streams, ms", found=streamed.slowest_health_ms, at_most=50),
        Target(what="resident MiB while a CSV streams", found=streamed.resident_mib, at_most=200),
        Target(
            what="rows/s, score from Parquet to Parquet", found=scored.rows_per_second, at_least=2_000_000
        ),
        Target(what="peak MiB of score", found=scored.peak_mib, at_most=300),
    ]


def sections(figures: Figures) -> list[Section]:
    """Return the tables."""
    rows = [
        ["ours", TITLES[kind], f"{ROWS[kind]:,}", each.text(0), ""] for kind, each in figures.ours.items()
    ]
    rows += [
        [
            peer.title,
            TITLES[kind],
            f"{ROWS[kind]:,}",
            figures.others[peer.name][kind].text(0),
            figures.ratios[peer.name][kind].text(2),
        ]
        for peer, kinds in OTHERS
        for kind in kinds
    ]
    streamed, scored = figures.streamed, figures.scored
    return [
        Section(
            title="Tables over HTTP, one worker on one core",
            header=["", "", "rows in a table", "rows/s", "ours to it"],
            rows=rows,
            remark=f"Medians of {figures.rounds} rounds (smallest to largest); in and out in one kind. Plain "
            "pyarrow checks no row, warns of nothing and holds all of it in memory.",
        ),
        Section(
            title="Long tables",
            header=["", "rows", "rows/s", "MiB", "slowest /health, ms"],
            rows=[
                [
                    "CSV streamed over HTTP",
                    f"{streamed.rows:,}",
                    f"{streamed.rows_per_second:,.0f}",
                    f"{streamed.resident_mib:.0f}",
                    f"{streamed.slowest_health_ms:.0f}",
                ],
                [
                    "`score`, Parquet to Parquet, one core",
                    f"{scored.rows:,}",
                    f"{scored.rows_per_second:,.0f}",
                    f"{scored.peak_mib:.0f}",
                    "",
                ],
            ],
        ),
        targets_section(figures.targets),
    ]


def panels(figures: Figures) -> list[Panel]:
    """Return the picture: rows per second of each kind."""
    bars = {f"ours, {TITLES[kind]}": spread for kind, spread in figures.ours.items()}
    for peer, kinds in OTHERS:
        bars |= {f"{peer.title}, {TITLES[kind]}": figures.others[peer.name][kind] for kind in kinds}
    return [Panel("rows per second over HTTP, one core", 0, bars)]


def main(
    rounds: RoundsOption = 5,
    streamed: Annotated[int, typer.Option(min=50_000, help="Rows of the long CSV.")] = 1_000_000,
    scored: Annotated[int, typer.Option(min=1_000, help="Rows of the Parquet file.")] = 10_000_000,
    json: JsonOption = None,
    markdown_file: MarkdownOption = None,
    chart: ChartOption = None,
) -> None:
    """Measure tables."""
    console = Console(highlight=False)
    if len(available()) < 2:
        console.print("One core only: server and client share it.")
    with failures_as_messages(console):
        figures = measure(rounds, streamed, scored, console)
    tell(figures, sections(figures), json, markdown_file)
    if chart is not None:
        draw(panels(figures), figures.machine, chart)


if __name__ == "__main__":
    typer.run(main)
