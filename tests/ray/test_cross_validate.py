"""cross-validate on two nodes: the figures of one machine, or one clear line."""

import json
import sys
from pathlib import Path

import joblib
import pytest
from typer.testing import CliRunner

from contract.cluster import INSTALL
from tests.ray.cluster import Cluster, running_cluster
from tests.ray.training_command import broken_off, run, write_recipe
from training.__main__ import app
from training.cross_validation import cross_validate
from training.dataset import read_dataset
from training.recipe import Recipe

WITH_THE_ENGINE = "--address and --gpus-per-trial are for a cluster: add --engine ray, or leave them out"


def figures_of_one_machine(recipe: Path, table: Path, folds: int) -> object:
    phones = read_dataset(table).phones
    with joblib.parallel_config(backend="sequential"):
        figures = cross_validate(Recipe.load(str(recipe)), phones, folds, 2, 5, lambda _: None)
    return figures.model_dump(mode="json")


def test_a_cluster_gives_the_figures_of_one_machine(
    cluster: Cluster, sample_table: Path, tmp_path: Path
) -> None:
    recipe, told = write_recipe(tmp_path), tmp_path / "figures.json"
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    status, shown, errors = run(
        *["cross-validate", "--recipe", recipe, "--data", sample_table, "--json", told],
        *["--folds", 4, "--repeats", 2, "--seed", 5, "--engine", "ray", "--address", cluster.address],
        temporary=temporary,
    )
    assert (status, errors) == (0, "")
    assert shown.splitlines()[:-2] == [f"folds {done}/8" for done in range(1, 9)]
    assert json.loads(told.read_text()) == figures_of_one_machine(recipe, sample_table, folds=4)
    assert list(temporary.iterdir()) == []


def test_folds_on_a_killed_node_are_made_again(sample_table: Path, tmp_path: Path) -> None:
    recipe, told = write_recipe(tmp_path, epochs=60), tmp_path / "figures.json"
    with running_cluster() as breakable:
        status, shown, errors = broken_off(
            *["cross-validate", "--recipe", recipe, "--data", sample_table, "--json", told],
            *["--folds", 6, "--repeats", 2, "--seed", 5, "--engine", "ray", "--address", breakable.address],
            once="folds 3/12",
            by=lambda _: breakable.nodes[1].kill(),
            temporary=tmp_path,
        )
    assert (status, errors) == (0, "")
    assert "folds 12/12" in shown
    assert json.loads(told.read_text()) == figures_of_one_machine(recipe, sample_table, folds=6)


@pytest.mark.parametrize(
    ("command", "options", "reason"),
    [
        (
            "tune",
            ["--engine", "ray", "--address", "127.0.0.9:9"],
            "there is no Ray cluster at 127.0.0.9:9: give ",
        ),
        ("cross-validate", ["--engine", "ray"], "there is no Ray cluster at 127.0.0.8:8: give "),
        (
            "tune",
            ["--engine", "ray", "--address", "ray://127.0.0.9:9"],
            "there is no Ray cluster at ray://127.0.0.9:9: give ",
        ),
        ("cross-validate", ["--address", "127.0.0.9:9"], WITH_THE_ENGINE),
        ("tune", ["--gpus-per-trial", "1"], WITH_THE_ENGINE),
    ],
)
def test_without_a_cluster_it_says_so_in_a_line(
    command: str, options: list[str], reason: str, sample_table: Path, tmp_path: Path
) -> None:
    done = CliRunner().invoke(
        app,
        [command, "--data", str(sample_table), *_storage(command, tmp_path), *options],
        env={"RAY_ADDRESS": "127.0.0.8:8"},
    )
    assert done.exit_code == 2
    assert done.output.startswith(f"error: {reason}")
    assert done.output.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["cross-validate", "tune"])
def test_without_ray_it_says_what_installs_it(
    command: str, monkeypatch: pytest.MonkeyPatch, sample_table: Path, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    done = CliRunner().invoke(
        app, [command, "--data", str(sample_table), *_storage(command, tmp_path), "--engine", "ray"]
    )
    assert (done.exit_code, done.output) == (2, f"error: {INSTALL}\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["cross-validate", "tune"])
def test_a_cluster_without_a_gpu_is_told_at_once(
    command: str, cluster: Cluster, sample_table: Path, tmp_path: Path
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    done = run(
        *[command, "--data", sample_table, *_storage(command, tmp_path)],
        *["--engine", "ray", "--address", cluster.address, "--gpus-per-trial", 0.5],
        temporary=temporary,
    )
    assert done == (
        2,
        "",
        "error: a fit needs a core and 0.5 of a GPU on one node, and the cluster has 2 cores and 0 GPUs: "
        "add a node that has them, or leave out --gpus-per-trial\n",
    )
    assert list(tmp_path.iterdir()) == [temporary]


def test_a_recipe_that_no_node_can_fit_is_refused_in_a_line(
    cluster: Cluster, sample_table: Path, tmp_path: Path
) -> None:
    recipe = write_recipe(tmp_path)
    recipe.write_text('device = "cuda"\n' + recipe.read_text())
    status, _, errors = run(
        *["cross-validate", "--recipe", recipe, "--data", sample_table, "--folds", 2],
        *["--engine", "ray", "--address", cluster.address],
        temporary=tmp_path,
    )
    assert (status, errors) == (2, "error: recipe tiny: device: there is no cuda here; choose cpu or auto\n")


def _storage(command: str, folder: Path) -> list[str]:
    return ["--storage", str(folder / "trials.db")] if command == "tune" else []
