"""python -m benchmarks.serving: how many phones per second and how soon, beside others that serve them.

All serve the same bundle, with one worker on one core; wrk has another, and the access log is off everywhere.
The peers take turns: in each round each is started, its answers are checked, and it is put under load on 1,
16 and 64 keep-alive connections. A ratio is of two figures of one round; the rounds' median ratio is told.
"""

from collections.abc import Sequence

import typer
from pydantic import BaseModel
from rich.console import Console

from benchmarks.agreement import check_agreement
from benchmarks.catalogue import ALL, PEERS, chosen, ours
from benchmarks.chart import Panel, draw
from benchmarks.comparison import Measured, Ratio
from benchmarks.cores import are_shared, available, for_load, for_server
from benchmarks.machine import Machine
from benchmarks.peer import Peer
from benchmarks.phones import expected
from benchmarks.report import MeasuredHere, Section, tell
from benchmarks.server import Server, running
from benchmarks.target import Target, targets_section
from benchmarks.terminal import (
    ChartOption,
    JsonOption,
    MarkdownOption,
    PeersOption,
    RoundsOption,
    SecondsOption,
    WarmUpOption,
    failures_as_messages,
)
from benchmarks.two_workers import WORKERS, TwoWorkers
from benchmarks.wrk import Load, put_load
from contract.phone import Probabilities

CONNECTIONS = (1, 16, 64)
FEWEST, MOST = min(CONNECTIONS), max(CONNECTIONS)

TIMES_AS_FAST = {
    "noop": 3.0,
    "echo": 0.55,
    "litserve": 20.0,
    "bentoml": 20.0,
    "mlserver": 10.0,
    "tutorial": 35.0,
}
"""What was promised of our requests per second over each peer's, on the most connections."""


class Plan(BaseModel):
    """How long everything is measured."""

    rounds: int
    seconds: int
    warm_up_seconds: int


class Figures(MeasuredHere):
    """What was measured: per peer and number of connections, and what comes of it."""

    plan: Plan
    labels: dict[str, str]
    peers: dict[str, dict[int, Measured]]
    ratios: dict[str, dict[int, Ratio]]
    two_workers: TwoWorkers | None
    targets: list[Target]


def measure(peers: Sequence[Peer], plan: Plan, console: Console) -> Figures:
    """Let the peers take turns, ours first. Raises `BenchmarkError` if a peer fails or answers wrong."""
    machine, right = Machine.this(), expected()
    for peer in peers:
        console.print(
            f"{peer.label}: {'our' if peer.requirements is None else 'its own'} virtual environment"
        )
        peer.python()
    loads: dict[str, dict[int, list[Load]]] = {
        peer.name: {connections: [] for connections in CONNECTIONS} for peer in peers
    }
    two_workers: list[Load] = []
    for turn in range(1, plan.rounds + 1):
        for peer in peers:
            console.print(f"round {turn} of {plan.rounds}: {peer.label}")
            for connections, load in loaded(peer, plan, right).items():
                loads[peer.name][connections].append(load)
        if len(available()) >= WORKERS:
            console.print(f"round {turn} of {plan.rounds}: {ours(WORKERS).label}")
            two_workers.append(loaded(ours(WORKERS), plan, right, (MOST,), WORKERS)[MOST])
    return summed_up(peers, plan, machine, loads, two_workers)


def loaded(
    peer: Peer,
    plan: Plan,
    right: Probabilities,
    connections: Sequence[int] = CONNECTIONS,
    workers: int = 1,
) -> dict[int, Load]:
    """Start the peer, check it, and put it under load on each number of connections."""
    with running(peer, for_server(workers)) as server:
        check_agreement(server, right)
        return {count: _warm_load(server, count, plan, for_load(workers)) for count in connections}


def _warm_load(server: Server, connections: int, plan: Plan, cores: Sequence[int]) -> Load:
    bodies, headers = server.peer.bodies(), server.peer.headers
    if plan.warm_up_seconds:
        put_load(server.url, bodies, connections, plan.warm_up_seconds, cores, headers)
    return put_load(server.url, bodies, connections, plan.seconds, cores, headers)


def summed_up(
    peers: Sequence[Peer],
    plan: Plan,
    machine: Machine,
    loads: dict[str, dict[int, list[Load]]],
    two_workers: Sequence[Load],
) -> Figures:
    """Sum up the rounds."""
    our_loads = loads["ours"]
    measured = {
        name: {count: Measured.of(each) for count, each in of_peer.items()} for name, of_peer in loads.items()
    }
    ratios = {
        name: {count: Ratio.of(our_loads[count], each) for count, each in of_peer.items()}
        for name, of_peer in loads.items()
        if name != "ours"
    }
    two = TwoWorkers.beside(our_loads[MOST], two_workers, are_shared(WORKERS)) if two_workers else None
    return Figures(
        machine=machine,
        plan=plan,
        labels={peer.name: peer.label for peer in peers},
        peers=measured,
        ratios=ratios,
        two_workers=two,
        targets=_targets(measured["ours"], ratios, two),
    )


def _targets(
    ours: dict[int, Measured], ratios: dict[str, dict[int, Ratio]], two: TwoWorkers | None
) -> list[Target]:
    targets = [
        Target(
            what=f"throughput over {PEERS[name].title}, {MOST} connections",
            found=ratio[MOST].requests_per_second.median,
            at_least=TIMES_AS_FAST[name],
        )
        for name, ratio in ratios.items()
    ]
    if "noop" in ratios:
        what = f"p50 over {PEERS['noop'].title}'s, {FEWEST} connection"
        targets.append(Target(what=what, found=ratios["noop"][FEWEST].p50_ms.median, at_most=1.0))
    what = f"p99 over p50, {MOST} connections"
    targets.append(Target(what=what, found=ours[MOST].p99_over_p50.median, at_most=2.5))
    if two is not None:
        what = f"{WORKERS} workers over one, corrected for the load generator's share"
        targets.append(Target(what=what, found=two.corrected.median, at_least=1.7))
    return targets


def sections(figures: Figures) -> list[Section]:
    """Return the tables: one for each number of connections, the most first, then workers and targets."""
    tables = [_connections_section(figures, count) for count in sorted(CONNECTIONS, reverse=True)]
    if figures.two_workers is not None:
        tables.append(_workers_section(figures.two_workers))
    return [*tables, targets_section(figures.targets)]


def _connections_section(figures: Figures, connections: int) -> Section:
    header = ["", "requests/s", "p50 ms", "p99 ms", "ours to it", "wrk, %"]
    rows = [
        [
            figures.labels[name],
            measured[connections].requests_per_second.text(0),
            f"{measured[connections].p50_ms.median:,.2f}",
            f"{measured[connections].p99_ms.median:,.2f}",
            figures.ratios[name][connections].requests_per_second.text(2) if name in figures.ratios else "",
            f"{100 * measured[connections].generator_share.median:.0f}",
        ]
        for name, measured in figures.peers.items()
    ]
    title = f"One worker, one core, {connections} keep-alive connection{'s' if connections > 1 else ''}"
    explained = (
        f"Medians of {figures.plan.rounds} rounds of {figures.plan.seconds} s in turn (smallest to largest). "
        "Ours to it: requests per second, of the same round. wrk: what it took of its own core."
    )
    return Section(title=title, header=header, rows=rows, remark=explained if connections == MOST else "")


def _workers_section(two: TwoWorkers) -> Section:
    return Section(
        title=f"Ours, {WORKERS} workers on {WORKERS} cores, {MOST} connections",
        header=["", "requests/s", "to one worker", "wrk, %", "corrected"],
        rows=[
            [
                f"{WORKERS} workers",
                two.requests_per_second.text(0),
                two.raw.text(2),
                f"{100 * two.generator_share.median:.0f}",
                two.corrected.text(2),
            ]
        ],
        remark="wrk: what it took of a core from the workers. Corrected: per core left to them, times two "
        "(benchmarks/two_workers.py).",
    )


def panels(figures: Figures) -> list[Panel]:
    """Return the pictures: throughput on the most connections, and the time of one answer."""
    label, peers = figures.labels, figures.peers
    most = {label[name]: measured[MOST].requests_per_second for name, measured in peers.items()}
    one = {label[name]: measured[FEWEST].p50_ms for name, measured in peers.items()}
    return [
        Panel(f"requests per second, one core, {MOST} connections (more is better)", 0, most),
        Panel("p50 in ms, one connection (less is better)", 2, one),
    ]


def main(
    peers: PeersOption = ALL,
    rounds: RoundsOption = 5,
    seconds: SecondsOption = 5,
    warm_up: WarmUpOption = 2,
    json: JsonOption = None,
    markdown_file: MarkdownOption = None,
    chart: ChartOption = None,
) -> None:
    """Measure serving beside others."""
    console = Console(highlight=False)
    if len(available()) < WORKERS:
        console.print("One core only: server and load share it, so that only the ratios mean anything.")
    plan = Plan(rounds=rounds, seconds=seconds, warm_up_seconds=warm_up)
    with failures_as_messages(console):
        figures = measure(chosen(peers), plan, console)
    tell(figures, sections(figures), json, markdown_file)
    if chart is not None:
        draw(panels(figures), figures.machine, chart)


if __name__ == "__main__":
    typer.run(main)
