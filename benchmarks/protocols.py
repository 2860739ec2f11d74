"""python -m benchmarks.protocols: what the dialects of other platforms cost, and what binary tensors save.

One phone in JSON: wrk asks `POST /predict`, our other dialects and whoever speaks V2 beside us, each started,
checked and loaded in turn. A table: Triton's own client asks V2 in binary and in JSON, call by call in turn.
One worker on one core, whoever asks on another, no access log. A ratio is of two figures of one round.
"""

import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pandas as pd
import typer
from pydantic import BaseModel, TypeAdapter
from rich.console import Console

from benchmarks.catalogue import PEERS, chosen, ours
from benchmarks.comparison import Measured, Ratio
from benchmarks.cores import available, for_load, for_server, pinned
from benchmarks.errors import BenchmarkError
from benchmarks.machine import Machine
from benchmarks.peer import PROGRAMS, Peer
from benchmarks.phones import expected
from benchmarks.report import MeasuredHere, Section, tell
from benchmarks.server import Server, running
from benchmarks.serving import MOST, Plan, loaded
from benchmarks.spread import Spread
from benchmarks.table_bodies import phones
from benchmarks.target import Target, targets_section
from benchmarks.terminal import (
    JsonOption,
    MarkdownOption,
    PeersOption,
    RoundsOption,
    SecondsOption,
    WarmUpOption,
    failures_as_messages,
)
from benchmarks.virtual_environment import python_with
from benchmarks.wrk import Load

ROWS = 1_000

TRITON = "tritonclient.txt"
"""File in peers/ with what the client's virtual environment holds."""

V2_TO_PREDICT, V2_TO_MLSERVER, BINARY_TO_JSON = 0.6, 4.0, 5.0
"""What was promised."""


def _dialect(
    name: str,
    path: str,
    body: Callable[[dict[str, float]], Any],
    probabilities: Callable[[Any], list[float]],
    price_range: Callable[[Any], int | None],
) -> Peer:
    return replace(
        ours(),
        name=name,
        title=f"ours, {path}",
        predict=path,
        body=body,
        probabilities=probabilities,
        price_range=price_range,
    )


def _output(answer: Any, name: str) -> list[Any]:
    """The data of one output of V2."""
    (data,) = (output["data"] for output in answer["outputs"] if output["name"] == name)
    return list(data)


def _instances(name: str, path: str) -> Peer:
    """A dialect of instances in, predictions out."""
    return _dialect(
        name,
        path,
        body=lambda phone: {"instances": [phone]},
        probabilities=lambda answer: answer["predictions"][0]["probabilities"],
        price_range=lambda answer: answer["predictions"][0]["price_range"],
    )


PREDICT = replace(ours(), name="predict", title="ours, /predict")
V2 = _dialect(
    "v2",
    "/v2/models/phone-price/infer",
    body=PEERS["mlserver"].body,  # the same bytes
    probabilities=lambda answer: _output(answer, "predict_proba"),
    price_range=lambda answer: int(*_output(answer, "predict")),
)
V1 = _instances("v1", "/v1/models/phone-price:predict")
INVOCATIONS = _instances("invocations", "/invocations")
DIALECTS = (PREDICT, V2, V1, INVOCATIONS)


class Call(BaseModel):
    """What a call of Triton's client took in one round, on average: see benchmarks/peers/triton_client.py."""

    calls: int
    call_ms: float
    writing_ms: float
    reading_ms: float
    service_ms: float

    @property
    def client_ms(self) -> float:
        """What the client itself took, to make a body of an array and arrays of a body."""
        return self.writing_ms + self.reading_ms

    @property
    def rest_ms(self) -> float:
        """HTTP on both ends, and whatever else neither the client nor the service tells of."""
        return self.call_ms - self.client_ms - self.service_ms


PARTS: Mapping[str, Callable[[Call], float]] = {
    "call": lambda call: call.call_ms,
    "writing": lambda call: call.writing_ms,
    "reading": lambda call: call.reading_ms,
    "service": lambda call: call.service_ms,
    "rest": lambda call: call.rest_ms,
    "all but the client": lambda call: call.call_ms - call.client_ms,
}


class Way(BaseModel):
    """A table in binary, or in JSON: both ways."""

    rows_per_second: Spread
    ms: dict[str, Spread]
    """A call, and its parts."""
    client_share: Spread
    """Of the call."""


class Table(BaseModel):
    """Binary beside JSON, as Triton's client has them."""

    rows: int
    in_binary: Way
    in_json: Way
    json_to_binary: dict[str, Spread]
    """How many times as long JSON takes, for a call and for each of its parts."""
    saved_in_client: Spread
    """Of the time that binary saves, the share that is the client's own work."""


class Beside(BaseModel):
    """One who answers beside another: requests per second of the first over those of the second."""

    one: str
    to: str
    ratio: Ratio


class Figures(MeasuredHere):
    """What was measured, by name, and what comes of it."""

    plan: Plan
    labels: dict[str, str]
    one_phone: dict[str, Measured]
    ratios: list[Beside]
    table: Table
    targets: list[Target]


def measure(others: Sequence[Peer], plan: Plan, console: Console) -> Figures:
    """Let all take turns. Raises `BenchmarkError` if one fails or answers wrong."""
    machine, right, peers = Machine.this(), expected(), [*DIALECTS, *others]
    console.print("virtual environments")
    client = python_with(PROGRAMS / TRITON)
    for peer in peers:
        peer.python()
    loads: dict[str, list[Load]] = {peer.name: [] for peer in peers}
    calls: list[dict[str, Call]] = []
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder, "table.npz")
        console.print(f"{ROWS:,} phones by /predict, one by one")
        with running(PREDICT, for_server()) as server:
            write_table(table, phones(ROWS), server)
        for turn in range(1, plan.rounds + 1):
            for peer in peers:
                console.print(f"round {turn} of {plan.rounds}: {peer.label}")
                loads[peer.name].append(loaded(peer, plan, right, (MOST,))[MOST])
            console.print(f"round {turn} of {plan.rounds}: Triton's client")
            with running(V2, for_server()) as server:
                calls.append(asked_by_triton(client, server.port, table, plan))
    return summed_up(peers, plan, machine, loads, calls)


def write_table(path: Path, table: pd.DataFrame, server: Server) -> None:
    """Write the phones, and what /predict says of each, for the client. Raises `BenchmarkError`."""
    answers = []
    with httpx.Client(timeout=30) as client:
        for phone in table.to_dict("records"):
            answer = client.post(server.url, json=phone)
            if not answer.is_success:
                raise BenchmarkError(f"{server.peer.title} answers {answer.status_code}: {answer.text[:300]}")
            answers.append(answer.json())
    np.savez(
        path,
        phones=table.to_numpy(np.float32),
        price_ranges=np.array([answer["price_range"] for answer in answers]),
        probabilities=np.array([answer["probabilities"] for answer in answers]),
    )


def asked_by_triton(python: Path, port: int, table: Path, plan: Plan) -> dict[str, Call]:
    """Have the client ask for the table, binary and JSON in turn. Raises `BenchmarkError`."""
    arguments = [str(port), str(plan.warm_up_seconds), str(plan.seconds), str(table)]
    command = pinned([str(python), str(PROGRAMS / "triton_client.py"), *arguments], for_load())
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own list
    if done.returncode != 0:
        raise BenchmarkError(f"Triton's client failed: {done.stderr.strip()[-2_000:]}")
    return TypeAdapter(dict[str, Call]).validate_json(done.stdout)


def summed_up(
    peers: Sequence[Peer],
    plan: Plan,
    machine: Machine,
    loads: dict[str, list[Load]],
    calls: Sequence[dict[str, Call]],
) -> Figures:
    """Sum up the rounds."""
    names = [peer.name for peer in peers]
    dialects = [peer.name for peer in DIALECTS]
    pairs = [(name, "predict") for name in dialects if name != "predict"]
    pairs += [("v2", name) for name in names if name not in dialects]
    ratios = [Beside(one=one, to=to, ratio=Ratio.of(loads[one], loads[to])) for one, to in pairs]
    table = table_of(calls)
    return Figures(
        machine=machine,
        plan=plan,
        labels={peer.name: peer.label for peer in peers},
        one_phone={name: Measured.of(loads[name]) for name in names},
        ratios=ratios,
        table=table,
        targets=_targets(ratios, table),
    )


def table_of(rounds: Sequence[dict[str, Call]]) -> Table:
    """Sum up what the client measured, JSON beside binary in each round."""
    binary, json = ([each[way] for each in rounds] for way in ("binary", "json"))
    pairs = list(zip(binary, json, strict=True))
    return Table(
        rows=ROWS,
        in_binary=_way(binary),
        in_json=_way(json),
        json_to_binary={
            name: Spread.of_ratios([part(each) for each in json], [part(each) for each in binary])
            for name, part in PARTS.items()
        },
        saved_in_client=Spread.of_ratios(
            [slow.client_ms - fast.client_ms for fast, slow in pairs],
            [slow.call_ms - fast.call_ms for fast, slow in pairs],
        ),
    )


def _way(calls: Sequence[Call]) -> Way:
    return Way(
        rows_per_second=Spread.of([ROWS / call.call_ms * 1e3 for call in calls]),
        ms={name: Spread.of([part(call) for call in calls]) for name, part in PARTS.items()},
        client_share=Spread.of([call.client_ms / call.call_ms for call in calls]),
    )


def _targets(ratios: Sequence[Beside], table: Table) -> list[Target]:
    promised = {("v2", "predict"): V2_TO_PREDICT, ("v2", "mlserver"): V2_TO_MLSERVER}
    titles = {"predict": "/predict", "mlserver": "MLServer"}
    targets = [
        Target(
            what=f"V2 over {titles[each.to]}, one phone, {MOST} connections",
            found=each.ratio.requests_per_second.median,
            at_least=promised[each.one, each.to],
        )
        for each in ratios
        if (each.one, each.to) in promised
    ]
    what = f"rows/s, V2 binary over V2 JSON, {ROWS:,} rows by Triton's client"
    return [*targets, Target(what=what, found=table.json_to_binary["call"].median, at_least=BINARY_TO_JSON)]


def sections(figures: Figures) -> list[Section]:
    """Return the tables."""
    plan = figures.plan
    ratio_rows = [
        [figures.labels[each.one], figures.labels[each.to], each.ratio.requests_per_second.text(2)]
        for each in figures.ratios
    ]
    return [
        Section(
            title=f"One phone in JSON, one worker, one core, {MOST} keep-alive connections",
            header=["", "requests/s", "p50 ms", "p99 ms", "wrk, %"],
            rows=[_one_phone_row(figures.labels[name], each) for name, each in figures.one_phone.items()],
            remark=f"Medians of {plan.rounds} rounds of {plan.seconds} s in turn (smallest to largest). "
            "wrk: what it took of its own core. Ours answers V2 with three outputs.",
        ),
        Section(title="Requests per second, of the same round", header=["", "to", "ratio"], rows=ratio_rows),
        _table_section(figures.table),
        targets_section(figures.targets),
    ]


def _one_phone_row(label: str, measured: Measured) -> list[str]:
    return [
        label,
        measured.requests_per_second.text(0),
        f"{measured.p50_ms.median:,.2f}",
        f"{measured.p99_ms.median:,.2f}",
        f"{100 * measured.generator_share.median:.0f}",
    ]


def _table_section(table: Table) -> Section:
    parts = ("call", "writing", "reading", "service", "rest")
    rows = [
        [
            title,
            way.rows_per_second.text(0),
            *(f"{way.ms[part].median:,.2f}" for part in parts),
            f"{100 * way.client_share.median:.0f}",
        ]
        for title, way in (("binary", table.in_binary), ("JSON", table.in_json))
    ]
    times = table.json_to_binary
    ratios = [times["call"].text(1), *(f"{times[part].median:,.1f}" for part in parts[1:])]
    without = times["all but the client"].text(1)
    return Section(
        title=f"{table.rows:,} phones by V2 and Triton's client, which asks for two outputs",
        header=["", "rows/s", "a call, ms", "writing", "reading", "service", "rest", "client, %"],
        rows=[*rows, ["JSON to binary", "", *ratios, ""]],
        remark="Writing and reading: the client's own work, a body of an array and arrays of a body; as "
        "client, their share of the call. Service: by its statistics. Rest: HTTP at both ends. Without the "
        f"client's own work JSON takes {without} times as long as binary; of the time that binary saves, "
        f"{100 * table.saved_in_client.median:.0f} % is the client's.",
    )


def main(
    peers: PeersOption = "mlserver",
    rounds: RoundsOption = 9,
    seconds: SecondsOption = 4,
    warm_up: WarmUpOption = 1,
    json: JsonOption = None,
    markdown_file: MarkdownOption = None,
) -> None:
    """Measure the dialects, and tables in binary and in JSON."""
    console = Console(highlight=False)
    if len(available()) < 2:
        console.print("One core only: the service and who asks share it, so that only ratios mean anything.")
    plan = Plan(rounds=rounds, seconds=seconds, warm_up_seconds=warm_up)
    with failures_as_messages(console):
        figures = measure([peer for peer in chosen(peers) if peer.name != "ours"], plan, console)
    tell(figures, sections(figures), json, markdown_file)


if __name__ == "__main__":
    typer.run(main)
