"""The dialects are measured beside each other, and whoever answers wrong is not measured."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.agreement import check_agreement
from benchmarks.catalogue import PEERS
from benchmarks.cores import for_server
from benchmarks.errors import BenchmarkError
from benchmarks.peer import PROGRAMS, Peer
from benchmarks.phones import expected
from benchmarks.protocols import (
    DIALECTS,
    PREDICT,
    ROWS,
    TRITON,
    V2,
    Call,
    asked_by_triton,
    summed_up,
    table_of,
    write_table,
)
from benchmarks.server import Server, running
from benchmarks.serving import Plan
from benchmarks.table_bodies import phones
from benchmarks.virtual_environment import python_with
from benchmarks.wrk import Load
from tests.benchmarks.test_figures import MACHINE
from tests.running_service import PROJECT

SHORT = Plan(rounds=1, seconds=0, warm_up_seconds=0)


@pytest.fixture(scope="module")
def ours() -> Iterator[Server]:
    with running(PREDICT, for_server()) as server:
        yield server


@pytest.fixture(scope="module")
def triton() -> Path:
    return python_with(PROGRAMS / TRITON)


def by(dialect: Peer, server: Server) -> Server:
    return replace(server, peer=dialect)


def written(folder: Path, server: Server, **changed: Any) -> Path:
    """A table of a few phones, with what /predict says of them, or with what is said instead."""
    path = folder / "table.npz"
    write_table(path, phones(5), server)
    with np.load(path) as right:
        np.savez(path, **{**right, **changed})
    return path


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_a_dialect_answers_as_the_bundle_does(dialect: Peer, ours: Server) -> None:
    check_agreement(by(dialect, ours), expected())
    with pytest.raises(
        BenchmarkError, match=f"{re.escape(dialect.title)} answers wrong to a phone of 512 MB"
    ):
        check_agreement(by(dialect, ours), expected()[::-1])


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_a_price_range_is_read_beside_the_probabilities(dialect: Peer, ours: Server) -> None:
    """Right probabilities do not excuse another price range."""
    another = replace(dialect, price_range=lambda answer: 3 - (dialect.price_range(answer) or 0))
    with pytest.raises(BenchmarkError, match="answers wrong"):
        check_agreement(by(another, ours), expected())


def test_a_dialect_that_is_not_found_is_refused(ours: Server) -> None:
    elsewhere = replace(V2, predict="/v2/models/another/infer")
    with pytest.raises(BenchmarkError, match="answers 404"):
        check_agreement(by(elsewhere, ours), expected())


def test_tritons_client_asks_both_ways_in_turn(ours: Server, triton: Path, tmp_path: Path) -> None:
    calls = asked_by_triton(triton, ours.port, written(tmp_path, ours), SHORT)
    assert set(calls) == {"binary", "json"}
    for call in calls.values():
        assert call.calls == 1
        assert min(call.writing_ms, call.reading_ms, call.service_ms) > 0


def test_another_price_range_than_that_of_predict_stops_tritons_client(
    ours: Server, triton: Path, tmp_path: Path
) -> None:
    wrong = written(tmp_path, ours, price_ranges=np.full(5, 4))
    with pytest.raises(BenchmarkError, match="another price range than that of /predict"):
        asked_by_triton(triton, ours.port, wrong, SHORT)


def test_other_probabilities_than_those_of_predict_stop_tritons_client(
    ours: Server, triton: Path, tmp_path: Path
) -> None:
    wrong = written(tmp_path, ours, probabilities=np.full((5, 4), 0.25))
    with pytest.raises(BenchmarkError, match="other probabilities than those of /predict"):
        asked_by_triton(triton, ours.port, wrong, SHORT)


def test_a_table_that_is_refused_stops_tritons_client_with_the_reason(
    ours: Server, triton: Path, tmp_path: Path
) -> None:
    broken = written(tmp_path, ours, phones=np.full((5, 20), -1.0))
    with pytest.raises(BenchmarkError, match=r"status 400: .*battery_power"):
        asked_by_triton(triton, ours.port, broken, SHORT)


def test_the_client_that_is_measured_is_the_one_that_is_tested() -> None:
    tested, measured = (
        {line for line in path.read_text().splitlines() if not line.startswith("#")}
        for path in (PROJECT / "tests/clients" / TRITON, PROGRAMS / TRITON)
    )
    assert {line.partition("==")[0] for line in tested - measured} == {
        "iniconfig",
        "packaging",
        "pluggy",
        "Pygments",
        "pytest",
    }
    assert measured < tested


def call(call_ms: float, writing_ms: float, reading_ms: float, service_ms: float) -> Call:
    return Call(calls=1, call_ms=call_ms, writing_ms=writing_ms, reading_ms=reading_ms, service_ms=service_ms)


def test_of_what_json_costs_the_clients_own_work_is_told_apart() -> None:
    """12 ms against 2: of the 10 saved 8 are the client's; without its 9 and 1 it is 3 against 1."""
    table = table_of([{"binary": call(2.0, 0.6, 0.4, 0.5), "json": call(12.0, 7.0, 2.0, 2.0)}])
    assert table.in_binary.rows_per_second.median == pytest.approx(ROWS / 0.002)
    assert table.in_json.rows_per_second.median == pytest.approx(ROWS / 0.012)
    assert table.in_json.client_share.median == pytest.approx(0.75)
    assert table.in_json.ms["rest"].median == pytest.approx(1.0)
    times = {part: each.median for part, each in table.json_to_binary.items()}
    assert times["call"] == pytest.approx(6.0)
    assert times["service"] == pytest.approx(4.0)
    assert times["all but the client"] == pytest.approx(3.0)
    assert table.saved_in_client.median == pytest.approx(0.8)


def test_json_is_held_against_binary_of_the_same_round() -> None:
    slow, fast = call(8.0, 1.0, 1.0, 1.0), call(2.0, 0.5, 0.5, 0.5)
    table = table_of([{"binary": fast, "json": slow}, {"binary": slow, "json": fast}])
    assert table.json_to_binary["call"].rounds == [4.0, 0.25]


def load(rate: float) -> Load:
    return Load(requests=1, seconds=1, requests_per_second=rate, p50_ms=1, p99_ms=2)


def test_v2_is_held_against_predict_and_mlserver_and_the_rest_against_predict() -> None:
    rates = {"predict": 100.0, "v2": 80.0, "v1": 10.0, "invocations": 20.0, "mlserver": 16.0}
    peers = [*DIALECTS, PEERS["mlserver"]]
    calls = [{"binary": call(2.0, 0.6, 0.4, 0.5), "json": call(12.0, 7.0, 2.0, 2.0)}]
    figures = summed_up(peers, SHORT, MACHINE, {name: [load(rate)] for name, rate in rates.items()}, calls)
    assert {(each.one, each.to): each.ratio.requests_per_second.median for each in figures.ratios} == {
        ("v2", "predict"): 0.8,
        ("v1", "predict"): 0.1,
        ("invocations", "predict"): 0.2,
        ("v2", "mlserver"): 5.0,
    }
    assert [(each.found, each.at_least) for each in figures.targets] == [(0.8, 0.6), (5.0, 4.0), (6.0, 5.0)]


@pytest.mark.usefixtures("wrk")
def test_protocols_write_figures_that_agree_with_each_other(tmp_path: Path) -> None:
    json_file, tables = tmp_path / "figures.json", tmp_path / "tables.md"
    options = ["--peers", "echo", "--rounds", "1", "--seconds", "1", "--warm-up", "0"]
    command = [sys.executable, "-m", "benchmarks.protocols", *options]
    command += ["--json", str(json_file), "--markdown", str(tables)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    figures = json.loads(json_file.read_text())
    rates = {
        name: measured["requests_per_second"]["median"] for name, measured in figures["one_phone"].items()
    }
    assert list(rates) == ["predict", "v2", "v1", "invocations", "echo"]
    ratios = {
        (each["one"], each["to"]): each["ratio"]["requests_per_second"]["median"]
        for each in figures["ratios"]
    }
    assert set(ratios) == {
        ("v2", "predict"),
        ("v1", "predict"),
        ("invocations", "predict"),
        ("v2", "echo"),
    }
    for (one, to), ratio in ratios.items():
        assert ratio == pytest.approx(rates[one] / rates[to])

    table = figures["table"]
    found = [target["found"] for target in figures["targets"]]
    assert found == [ratios["v2", "predict"], table["json_to_binary"]["call"]["median"]]
    assert f"| ours, /predict | {rates['predict']:,.0f} |" in tables.read_text()
    assert f"| JSON | {table['in_json']['rows_per_second']['median']:,.0f} |" in tables.read_text()


def test_an_unknown_peer_ends_the_benchmark_with_the_reason() -> None:
    command = [sys.executable, "-m", "benchmarks.protocols", "--peers", "torchserve"]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "error: no such peer: torchserve" in done.stdout
