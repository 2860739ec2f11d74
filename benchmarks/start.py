"""python -m benchmarks.start: how soon a server is ready, what importing it costs, and the memory it keeps.

Each peer is started on one core, in turn with the others. Importing is timed in a Python of its own. Resident
memory is read when the server is ready, and again when it has answered as many phones as asked for, or as
many as it could in `LONGEST_LOAD` seconds. It is told per process, since some peers have several.
"""

import os
import subprocess
from collections.abc import Sequence
from typing import Annotated

import typer
from pydantic import BaseModel
from rich.console import Console

from benchmarks.agreement import check_agreement
from benchmarks.catalogue import ALL, chosen
from benchmarks.chart import Panel, draw
from benchmarks.cores import for_load, for_server, pinned
from benchmarks.errors import BenchmarkError
from benchmarks.machine import Machine
from benchmarks.peer import PROGRAMS, Peer
from benchmarks.phones import expected
from benchmarks.report import MeasuredHere, Section, tell
from benchmarks.server import Server, environment_of, running
from benchmarks.spread import Spread
from benchmarks.target import Target, targets_section
from benchmarks.terminal import (
    ChartOption,
    JsonOption,
    MarkdownOption,
    PeersOption,
    RoundsOption,
    failures_as_messages,
)
from benchmarks.virtual_environment import PROJECT
from benchmarks.wrk import put_load

CONNECTIONS = 64

SLICE = 1
"""Seconds of load at a time, until there were requests enough."""

LONGEST_LOAD = 60
"""Seconds of load after which a slow peer has answered enough."""


class Memory(BaseModel):
    """MiB resident, of each process of a server, the largest first; and how many requests came between."""

    ready: list[float]
    requests: int
    loaded: list[float]


class Start(BaseModel):
    """What a peer takes before the first answer, and what it keeps."""

    ready_seconds: Spread
    import_seconds: Spread
    memory: Memory


class Figures(MeasuredHere):
    """What was measured of each peer."""

    labels: dict[str, str]
    peers: dict[str, Start]
    targets: list[Target]


def measure(peers: Sequence[Peer], rounds: int, requests: int, console: Console) -> Figures:
    """Start the peers in turn, ours first. Raises `BenchmarkError` if one fails or answers wrong."""
    machine = Machine.this()
    ready: dict[str, list[float]] = {peer.name: [] for peer in peers}
    imported: dict[str, list[float]] = {peer.name: [] for peer in peers}
    for turn in range(1, rounds + 1):
        for peer in peers:
            console.print(f"round {turn} of {rounds}: {peer.label}")
            imported[peer.name].append(import_seconds(peer))
            with running(peer, for_server()) as server:
                ready[peer.name].append(server.seconds_to_ready)
    starts = {}
    for peer in peers:
        console.print(f"memory: {peer.label}")
        starts[peer.name] = Start(
            ready_seconds=Spread.of(ready[peer.name]),
            import_seconds=Spread.of(imported[peer.name]),
            memory=memory(peer, requests),
        )
    labels = {peer.name: peer.label for peer in peers}
    return Figures(machine=machine, labels=labels, peers=starts, targets=_targets(starts["ours"], requests))


def import_seconds(peer: Peer) -> float:
    """Time importing the peer's module, in a Python of its own on the server's core."""
    code = f"from time import perf_counter as now; start = now(); import {peer.module}; print(now() - start)"
    command = pinned([str(peer.python()), "-c", code], for_server())
    # a peer from elsewhere is a program in peers/, where `python FILE` would find it
    environment = environment_of(peer) | {"PYTHONPATH": f"{PROJECT}{os.pathsep}{PROGRAMS}"}
    done = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 - our own list
    if done.returncode != 0:
        raise BenchmarkError(f"{peer.module} cannot be imported: {done.stderr[-2_000:]}")
    return float(done.stdout.splitlines()[-1])


def memory(peer: Peer, requests: int) -> Memory:
    """Read the resident memory when the peer is ready, and after the requests."""
    with running(peer, for_server()) as server:
        ready = server.resident_mib()
        check_agreement(server, expected())
        answered = _answered(server, requests)
        return Memory(ready=ready, requests=answered, loaded=server.resident_mib())


def _answered(server: Server, requests: int) -> int:
    """Put the server under load until it has answered so many, and return how many it were."""
    answered = 0
    for _ in range(LONGEST_LOAD // SLICE):
        answered += put_load(server.url, server.peer.bodies(), CONNECTIONS, SLICE, for_load()).requests
        if answered >= requests:
            break
    return answered


def _targets(ours: Start, requests: int) -> list[Target]:
    targets = [Target(what="seconds from start to ready", found=ours.ready_seconds.median, at_most=0.8)]
    if ours.memory.requests >= requests:
        what = f"MiB resident after {requests:,} requests"
        targets.append(Target(what=what, found=max(ours.memory.loaded), at_most=100))
    return targets


def sections(figures: Figures) -> list[Section]:
    """Return the tables."""
    rows = [
        [
            figures.labels[name],
            start.ready_seconds.text(2),
            start.import_seconds.text(2),
            _per_process(start.memory.ready),
            _per_process(start.memory.loaded),
            f"{start.memory.requests:,}",
        ]
        for name, start in figures.peers.items()
    ]
    header = ["", "s to ready", "s to import", "MiB when ready", "MiB after", "requests"]
    rounds = len(figures.peers["ours"].ready_seconds.rounds)
    remark = (
        f"Medians of {rounds} starts in turn (smallest to largest), on one core. "
        f"Resident memory of each process; after: when so many requests were answered."
    )
    return [Section("Start and memory, one worker", header, rows, remark), targets_section(figures.targets)]


def _per_process(resident: Sequence[float]) -> str:
    return " + ".join(f"{mib:.0f}" for mib in resident)


def panels(figures: Figures) -> list[Panel]:
    """Return the pictures: time until ready, and memory of all processes after the requests."""
    label, peers = figures.labels, figures.peers
    kept = {label[name]: Spread.of([sum(start.memory.loaded)]) for name, start in peers.items()}
    return [
        Panel(
            "seconds from start to ready",
            2,
            {label[name]: start.ready_seconds for name, start in peers.items()},
        ),
        Panel("MiB resident after the requests, all processes", 0, kept),
    ]


def main(
    peers: PeersOption = ALL,
    rounds: RoundsOption = 5,
    requests: Annotated[int, typer.Option(min=1, help="Phones asked before memory is read again.")] = 100_000,
    json: JsonOption = None,
    markdown_file: MarkdownOption = None,
    chart: ChartOption = None,
) -> None:
    """Measure starting, importing and memory beside others."""
    console = Console(highlight=False)
    with failures_as_messages(console):
        figures = measure(chosen(peers), rounds, requests, console)
    tell(figures, sections(figures), json, markdown_file)
    if chart is not None:
        draw(panels(figures), figures.machine, chart)


if __name__ == "__main__":
    typer.run(main)
