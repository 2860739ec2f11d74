import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.running_service import PROJECT


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks.earlier", *arguments]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)


@pytest.mark.usefixtures("wrk")
def test_then_and_now_take_turns_and_the_ratios_are_of_their_figures(tmp_path: Path) -> None:
    json_file, tables = tmp_path / "figures.json", tmp_path / "tables.md"
    options = ["--rounds", "1", "--seconds", "1", "--warm-up", "0"]
    done = run("HEAD", *options, "--json", str(json_file), "--markdown", str(tables))
    assert done.returncode == 0, done.stdout + done.stderr
    figures = json.loads(json_file.read_text())
    states = figures["states"]
    assert set(states) == {"then", "now", "then, logging", "now, logging, with a key"}
    for pair in figures["ratios"]:
        now, then = (states[pair[which]]["requests_per_second"]["median"] for which in ("now", "then"))
        assert pair["ratio"]["requests_per_second"]["median"] == pytest.approx(now / then)
    assert f"| now | {states['now']['requests_per_second']['median']:,.0f} |" in tables.read_text()


def test_a_commit_that_is_none_ends_the_benchmark_with_the_reason() -> None:
    done = run("no-such-commit")
    assert done.returncode == 1
    assert "error: there is no commit no-such-commit" in done.stdout
