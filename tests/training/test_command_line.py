"""python -m training, as a user runs it: a process, its output, its exit status."""

import os
import pty
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from contract.bundle import current_version, read_current
from tests.conftest import TINY_RECIPE
from tests.running_service import PROJECT


@pytest.fixture
def recipe_file(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.toml"
    path.write_text(TINY_RECIPE)
    return path


def run(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "training", *map(str, arguments)],
        cwd=PROJECT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_train_prints_figures_and_switches_current(
    sample_table: Path, recipe_file: Path, tmp_path: Path
) -> None:
    out = tmp_path / "artifacts"
    done = run("train", "--recipe", recipe_file, "--out", out, PHONE_PRICE_DATA=str(sample_table))
    assert done.returncode == 0, done.stderr
    metrics = read_current(out).manifest.metrics
    assert f"recipe tiny on {sample_table}" in done.stdout
    assert "epoch 3/3 loss " in done.stdout
    assert f"accuracy {metrics.accuracy:.4f} log-loss {metrics.log_loss:.4f}" in done.stdout
    assert f"macro-F1 {metrics.macro_f1:.4f}" in done.stdout
    assert "very high" in done.stdout
    assert f"CURRENT now names {current_version(out)}" in done.stdout
    assert done.stderr == ""


def test_a_terminal_gets_a_bar_instead_of_lines(
    sample_table: Path, recipe_file: Path, tmp_path: Path
) -> None:
    controller, terminal = pty.openpty()
    command = [sys.executable, "-m", "training", "train", "--data", str(sample_table)]
    command += ["--recipe", str(recipe_file), "--out", str(tmp_path / "artifacts")]
    process = subprocess.Popen(
        command, cwd=PROJECT, stdout=terminal, stderr=terminal, env=os.environ | {"TERM": "xterm"}
    )
    os.close(terminal)
    shown = b""
    try:
        while chunk := os.read(controller, 4096):
            shown += chunk
    except OSError:  # how Linux tells that the other side has closed
        pass
    assert process.wait(timeout=60) == 0
    assert "━".encode() in shown
    assert b"3/3" in shown
    assert b"loss" in shown
    assert b"epoch 3/3" not in shown.replace(b"\x1b", b"")


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda table: table.assign(ram=-1), "Line 2, column ram: "),
        (lambda table: table.assign(price_range=7), "Line 2, column price_range: "),
        (lambda table: table.assign(pc="many"), "Line 2, column pc: "),
        (lambda table: table.assign(wifi=""), "The cell is empty"),
        (lambda table: table.drop(columns="ram"), "Line 1: no column ram"),
        (lambda table: table.head(20), "too few rows"),
    ],
    ids=["implausible", "a label of 7", "text", "empty cells", "a missing column", "too few rows"],
)
def test_bad_data_gives_one_message_and_status_2_and_overwrites_nothing(
    sample_table: Path,
    recipe_file: Path,
    tiny_artifacts: Path,
    tmp_path: Path,
    spoil: Callable[[pd.DataFrame], pd.DataFrame],
    told: str,
) -> None:
    bad = tmp_path / "bad.csv"
    spoil(pd.read_csv(sample_table)).to_csv(bad, index=False)
    out = Path(shutil.copytree(tiny_artifacts, tmp_path / "artifacts"))
    before = sorted(out.rglob("*"))
    done = run("train", "--data", bad, "--recipe", recipe_file, "--out", out)
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {bad} ")
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert sorted(out.rglob("*")) == before


def test_an_unknown_recipe_gives_one_message_and_status_2(tmp_path: Path) -> None:
    done = run("train", "--recipe", "sede-optimized", "--out", tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("error: no recipe sede-optimized; did you mean seed-optimized?")


def test_a_folder_that_cannot_be_written_gives_one_message_and_status_2(
    sample_table: Path, recipe_file: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    done = run("train", "--data", sample_table, "--recipe", recipe_file, "--out", tmp_path / "file")
    assert done.returncode == 2
    assert "error: " in done.stderr
    assert "Traceback" not in done.stderr


def test_sample_writes_the_same_table_for_the_same_seed(tmp_path: Path) -> None:
    first, again, other = (tmp_path / name for name in ("first.csv", "again.csv", "other.csv"))
    for path, seed in ((first, 4), (again, 4), (other, 5)):
        assert run("sample", "--rows", 60, "--seed", seed, "--out", path).returncode == 0
    assert first.read_bytes() == again.read_bytes() != other.read_bytes()
    assert len(pd.read_csv(first)) == 60
    assert sorted(tmp_path.iterdir()) == [again, first, other]


@pytest.mark.parametrize("command", [[], ["train"], ["sample"]])
def test_help_tells_what_a_command_does(command: list[str]) -> None:
    done = run(*command, "--help")
    assert done.returncode == 0
    assert "Usage: python -m training" in done.stdout
