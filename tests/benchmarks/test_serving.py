import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.cores import available
from tests.running_service import PROJECT

PNG = b"\x89PNG\r\n\x1a\n"


def run(module: str, folder: Path, *options: str) -> dict[str, Any]:
    """Run the benchmark; return its JSON."""
    files = [
        "--json",
        folder / "figures.json",
        "--markdown",
        folder / "tables.md",
        "--chart",
        folder / "chart.png",
    ]
    command = [sys.executable, "-m", module, *options, *map(str, files)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    figures: dict[str, Any] = json.loads((folder / "figures.json").read_text())
    return figures


@pytest.mark.usefixtures("wrk")
def test_serving_writes_figures_that_agree_with_each_other(tmp_path: Path) -> None:
    options = ["--peers", "echo,noop", "--rounds", "1", "--seconds", "1", "--warm-up", "0"]
    figures = run("benchmarks.serving", tmp_path, *options)
    peers, ratios = figures["peers"], figures["ratios"]
    assert set(peers) == {"ours", "echo", "noop"}
    assert set(ratios) == {"echo", "noop"}
    for name, of_peer in ratios.items():
        assert set(of_peer) == {"1", "16", "64"}
        for connections, ratio in of_peer.items():
            for figure in ("requests_per_second", "p50_ms"):
                ours, peers_own = (peers[who][connections][figure]["median"] for who in ("ours", name))
                assert ratio[figure]["median"] == pytest.approx(ours / peers_own)

    found = {target["what"]: target["found"] for target in figures["targets"]}
    noop = ratios["noop"]["64"]["requests_per_second"]["median"]
    assert found["throughput over FastAPI no-op, 64 connections"] == noop
    assert (figures["two_workers"] is not None) == (len(available()) >= 2)

    tables = (tmp_path / "tables.md").read_text()
    assert f"| FastAPI no-op | {peers['noop']['64']['requests_per_second']['median']:,.0f} |" in tables
    assert f"| at least 3 | {noop:.2f} |" in tables
    assert (tmp_path / "chart.png").read_bytes().startswith(PNG)


@pytest.mark.usefixtures("wrk")
def test_starting_is_measured_for_each_peer(tmp_path: Path) -> None:
    options = ["--peers", "echo", "--rounds", "1", "--requests", "100"]
    figures = run("benchmarks.start", tmp_path, *options)
    for name in ("ours", "echo"):
        start = figures["peers"][name]
        assert len(start["ready_seconds"]["rounds"]) == len(start["import_seconds"]["rounds"]) == 1
        assert start["memory"]["requests"] >= 100
        assert len(start["memory"]["ready"]) == len(start["memory"]["loaded"]) == 1
    assert figures["peers"]["ours"]["memory"]["ready"][0] > figures["peers"]["echo"]["memory"]["ready"][0]
    memory = max(figures["peers"]["ours"]["memory"]["loaded"])
    assert {"what": "MiB resident after 100 requests", "found": memory}.items() <= figures["targets"][
        1
    ].items()
    assert f"| {memory:.0f} |" in (tmp_path / "tables.md").read_text()
    assert (tmp_path / "chart.png").read_bytes().startswith(PNG)


def test_an_unknown_peer_ends_the_benchmark_with_the_reason() -> None:
    command = [sys.executable, "-m", "benchmarks.serving", "--peers", "torchserve"]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "error: no such peer: torchserve" in done.stdout
