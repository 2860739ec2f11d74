"""python -m benchmarks.ray_serve: what Ray Serve costs, beside the service alone.

The same service three ways, in turn: alone, with one worker; by Ray Serve as `serve run` starts it, with one
replica behind a proxy; and by Ray Serve with its settings for throughput, where the replica listens itself.
Alone it has one core. Ray Serve is some ten processes, and has all of them, wrk's too. No access log of ours.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

import psutil
import typer
from pydantic import BaseModel
from rich.console import Console

from benchmarks.agreement import check_agreement
from benchmarks.catalogue import ours
from benchmarks.comparison import Measured, Ratio
from benchmarks.cores import available, for_load, for_server
from benchmarks.machine import Machine
from benchmarks.peer import PROGRAMS, Peer
from benchmarks.phones import expected
from benchmarks.report import MeasuredHere, Section, tell
from benchmarks.server import running
from benchmarks.serving import MOST, Plan
from benchmarks.spread import Spread
from benchmarks.terminal import (
    JsonOption,
    MarkdownOption,
    RoundsOption,
    SecondsOption,
    WarmUpOption,
    failures_as_messages,
)
from benchmarks.wrk import Load, put_load
from contract.phone import Probabilities

ALONE = replace(ours(), name="alone", title="the service alone", requirements=None)


def _by_ray_serve(name: str, title: str, *options: str) -> Peer:
    return replace(
        ALONE,
        name=name,
        title=title,
        module="service.ray_app",
        arguments=lambda port: [str(PROGRAMS / "ray_serve.py"), str(port), *options],
        environment={**ALONE.environment, "PHONE_PRICE_INSECURE": "true"},
    )


PEERS = (
    ALONE,
    _by_ray_serve("proxied", "Ray Serve, behind its proxy"),
    _by_ray_serve("direct", "Ray Serve for throughput, no proxy", "direct"),
)

PARTS = {"ray::ServeReplica": "replica", "ray::ProxyActor": "proxy"}
"""What Ray calls the processes that a request goes through; of all others only the sum is told."""

REST = "rest"


class Turn(BaseModel):
    """One peer in one round."""

    load: Load
    cpu_ms: dict[str, float]
    """CPU time per request, by part."""


class Figures(MeasuredHere):
    """What was measured, by the peers' names, and what comes of it."""

    plan: Plan
    connections: int
    labels: dict[str, str]
    peers: dict[str, Measured]
    cpu_ms: dict[str, dict[str, Spread]]
    ratios: dict[str, Ratio]
    """Alone to each."""


def measure(plan: Plan, console: Console) -> Figures:
    """Let them take turns. Raises `BenchmarkError` if one fails or answers wrong."""
    machine, right = Machine.this(), expected()
    turns: dict[str, list[Turn]] = {peer.name: [] for peer in PEERS}
    for turn in range(1, plan.rounds + 1):
        for peer in PEERS:
            console.print(f"round {turn} of {plan.rounds}: {peer.label}")
            turns[peer.name].append(taken(peer, plan, right))
    return summed_up(plan, machine, turns)


def taken(peer: Peer, plan: Plan, right: Probabilities) -> Turn:
    """Start the peer, check it, and put it under load."""
    cores = for_server() if peer is ALONE else available()
    with running(peer, cores) as server:
        check_agreement(server, right)
        bodies, load_cores = server.peer.bodies(), for_load()
        if plan.warm_up_seconds:
            put_load(server.url, bodies, MOST, plan.warm_up_seconds, load_cores)
        before = cpu_seconds(server.process)
        load = put_load(server.url, bodies, MOST, plan.seconds, load_cores)
        after = cpu_seconds(server.process)
    spent = {part: 1e3 * (after[part] - before.get(part, 0.0)) / load.requests for part in after}
    return Turn(load=load, cpu_ms=spent)


def cpu_seconds(process: psutil.Process) -> dict[str, float]:
    """Return what a server and all it has started have used so far, by part."""
    used: defaultdict[str, float] = defaultdict(float)
    for each in [process, *process.children(recursive=True)]:
        try:
            title, times = " ".join(each.cmdline()), each.cpu_times()
        except psutil.NoSuchProcess:
            continue
        part = next((part for start, part in PARTS.items() if title.startswith(start)), REST)
        used[part] += times.user + times.system
    return used


def summed_up(plan: Plan, machine: Machine, turns: dict[str, list[Turn]]) -> Figures:
    """Sum up the rounds."""
    loads = {name: [each.load for each in of_peer] for name, of_peer in turns.items()}
    return Figures(
        machine=machine,
        plan=plan,
        connections=MOST,
        labels={peer.name: peer.label for peer in PEERS},
        peers={name: Measured.of(each) for name, each in loads.items()},
        cpu_ms={name: _cpu(of_peer) for name, of_peer in turns.items()},
        ratios={
            name: Ratio.of(loads[ALONE.name], each) for name, each in loads.items() if name != ALONE.name
        },
    )


def _cpu(turns: Sequence[Turn]) -> dict[str, Spread]:
    parts = [part for part in (*PARTS.values(), REST) if any(part in turn.cpu_ms for turn in turns)]
    return {part: Spread.of([turn.cpu_ms.get(part, 0.0) for turn in turns]) for part in parts}


def sections(figures: Figures) -> list[Section]:
    """Return the tables: what a client sees, and where the time goes."""
    seen = [
        [
            figures.labels[name],
            measured.requests_per_second.text(0),
            f"{measured.p50_ms.median:,.2f}",
            f"{measured.p99_ms.median:,.2f}",
            figures.ratios[name].requests_per_second.text(1) if name in figures.ratios else "",
        ]
        for name, measured in figures.peers.items()
    ]
    spent = [
        [
            figures.labels[name],
            *(f"{parts[part].median:,.3f}" if part in parts else "" for part in (*PARTS.values(), REST)),
        ]
        for name, parts in figures.cpu_ms.items()
    ]
    plan = figures.plan
    return [
        Section(
            title=f"One phone in JSON, {figures.connections} keep-alive connections",
            header=["", "requests/s", "p50 ms", "p99 ms", "alone to it"],
            rows=seen,
            remark=f"Medians of {plan.rounds} rounds of {plan.seconds} s in turn (smallest to largest). "
            "Alone to it: requests per second, of one round. Alone has one core; Ray Serve all, also wrk's.",
        ),
        Section(
            title="CPU time per request, in ms",
            header=["", *PARTS.values(), REST],
            rows=spent,
            remark="Rest: everything else that runs, alone the whole service, of Ray its controller, its "
            "object store, its control service and its agents.",
        ),
    ]


def main(
    rounds: RoundsOption = 5,
    seconds: SecondsOption = 5,
    warm_up: WarmUpOption = 2,
    json: JsonOption = None,
    markdown_file: MarkdownOption = None,
) -> None:
    """Measure Ray Serve beside the service alone."""
    console = Console(highlight=False)
    with failures_as_messages(console):
        figures = measure(Plan(rounds=rounds, seconds=seconds, warm_up_seconds=warm_up), console)
    tell(figures, sections(figures), json, markdown_file)


if __name__ == "__main__":
    typer.run(main)
