import json
import subprocess
import sys
from pathlib import Path

import torch

from benchmarks.training import train_the_courses_way
from tests.running_service import PROJECT
from training.dataset import read_dataset
from training.recipe import Recipe


def test_it_compares_both_ways_and_writes_the_figures(sample_table: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.training", "--data", str(sample_table), "--rounds", "2"]
    command += ["--epochs", "1", "--json", str(tmp_path / "figures.json")]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert (figures["recipe"], figures["epochs"]) == ("seed-optimized", 1)
    assert len(figures["course_seconds"]) == len(figures["our_seconds"]) == len(figures["best_seconds"]) == 2
    assert f"{figures['ratio']:.2f} of the course's time" in done.stdout


def test_the_courses_way_learns(sample_table: Path) -> None:
    """A reference that learns nothing would be easy to beat."""
    recipe = Recipe.load("seed-optimized").model_copy(update={"epochs": 10})
    part = read_dataset(sample_table).phones
    model = train_the_courses_way(recipe, part)
    right = torch.from_numpy(model.probabilities(part.matrix)).argmax(dim=1) == torch.from_numpy(part.classes)
    assert right.float().mean() > 0.9
