"""tune on two nodes: interrupted in every way it goes on, and nothing that is done is done again."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from subprocess import Popen
from typing import NamedTuple

import joblib
import optuna
import psutil
import pytest
from optuna.trial import FrozenTrial, TrialState

from tests.ray.cluster import Cluster, Node, running_cluster
from tests.ray.training_command import SPACE, broken_off, ctrl_c, run, write_recipe
from training.dataset import read_dataset
from training.recipe import Recipe
from training.search_space import SearchSpace
from training.tuning import Plan, tune

STUDIES = 3
"""Two outer folds, and all phones."""


class Tuned(NamedTuple):
    """What three runs of one command have left: the first two were broken off."""

    runs: list[tuple[int, str, str]]
    after: list[list[FrozenTrial]]
    folder: Path


def trials(storage: Path) -> list[FrozenTrial]:
    """All trials of all studies, in the order in which they were drawn."""
    url = f"sqlite:///{storage}"
    return [
        trial
        for name in optuna.get_all_study_names(url)
        for trial in optuna.load_study(study_name=name, storage=url).trials
    ]


def done(found: list[FrozenTrial]) -> list[FrozenTrial]:
    return [trial for trial in found if trial.state == TrialState.COMPLETE]


def command_of(folder: Path, table: Path, trials: int, epochs: int = 3) -> list[object]:
    """The command without its engine."""
    (folder / "space.toml").write_text(SPACE)
    (folder / "temporary").mkdir()
    recipe = write_recipe(folder, epochs)
    return [
        *["tune", "--recipe", recipe, "--data", table, "--space", folder / "space.toml"],
        *["--storage", folder / "trials.db", "--folds", 2, "--inner-folds", 2, "--trials", trials],
    ]


@pytest.fixture(scope="module")
def tuned(cluster: Cluster, sample_table: Path, tmp_path_factory: pytest.TempPathFactory) -> Tuned:
    folder = tmp_path_factory.mktemp("tuned")
    command = command_of(folder, sample_table, trials=8)
    on_ray = [*command, "--engine", "ray", "--address", cluster.address]
    on_ray += ["--out", folder / "tuned.toml", "--json", folder / "ray.json"]
    runs, after = [], []

    def remember(run: tuple[int, str, str]) -> None:
        runs.append(run)
        after.append(trials(folder / "trials.db"))

    ways: list[tuple[str, Callable[[Popen[str]], None]]] = [
        ("trials 4/24", ctrl_c),
        ("trials 11/24", Popen.kill),
    ]
    for once, by in ways:
        remember(broken_off(*on_ray, once=once, by=by, temporary=folder / "temporary"))
        assert not (folder / "tuned.toml").exists()
    remember(run(*on_ray, temporary=folder / "temporary"))
    return Tuned(runs, after, folder)


def test_ctrl_c_says_how_to_go_on_and_leaves_nothing_behind(tuned: Tuned) -> None:
    status, _, errors = tuned.runs[0]
    assert status == 130
    assert errors == (
        f"interrupted; the trials are in {tuned.folder / 'trials.db'}, "
        "and the same command goes on from there\n"
    )


def test_the_same_command_goes_on_to_the_end_and_shows_nothing_of_ray(tuned: Tuned) -> None:
    status, shown, errors = tuned.runs[-1]
    assert (status, errors) == (0, "")
    lines = shown.splitlines()
    assert lines[:24] == [f"trials {number}/24" for number in range(1, 25)]
    assert [line.partition(":")[0] for line in lines[24:]] == [
        "outer fold 1",
        "outer fold 2",
        "to be expected of tuning",
        "chosen on inner folds of all phones",
        f"{tuned.folder / 'tuned.toml'} has these choices",
    ]


def test_no_trial_that_is_done_is_made_again(tuned: Tuned) -> None:
    first, second, last = map(done, tuned.after)
    assert 4 <= len(first) < len(second) < len(last) == 8 * STUDIES
    for earlier, later in ((first, second), (second, last)):
        times = {(trial.datetime_start, trial.datetime_complete, trial.value) for trial in later}
        assert {(trial.datetime_start, trial.datetime_complete, trial.value) for trial in earlier} <= times


def test_what_an_interruption_has_cut_off_is_not_left_as_if_it_went_on(tuned: Tuned) -> None:
    cut_off = [trial for trial in tuned.after[-1] if trial.state != TrialState.COMPLETE]
    assert {trial.state for trial in cut_off} <= {TrialState.FAIL}
    assert any(trial.state == TrialState.RUNNING for trial in tuned.after[0] + tuned.after[1])


def test_both_nodes_make_trials(tuned: Tuned) -> None:
    nodes = [trial.user_attrs["node"] for trial in done(tuned.after[-1])]
    assert set(nodes) == {"127.0.0.2", "127.0.0.3"}


def test_the_recipe_itself_is_among_what_each_study_tries(tuned: Tuned) -> None:
    own = Recipe.load(str(tuned.folder / "tiny.toml")).optimizer.learning_rate
    tried = [trial.params["optimizer.learning_rate"] for trial in done(tuned.after[-1])]
    assert tried.count(own) == STUDIES


def test_one_machine_takes_the_trials_of_the_cluster_over_and_comes_to_the_same_figures(
    tuned: Tuned, sample_table: Path
) -> None:
    recipe, space = (
        Recipe.load(str(tuned.folder / "tiny.toml")),
        SearchSpace.load(tuned.folder / "space.toml"),
    )
    plan, told = (
        Plan(folds=2, inner_folds=2, trials=8, seed=0),
        json.loads((tuned.folder / "ray.json").read_text()),
    )
    with joblib.parallel_config(backend="sequential"):
        figures = tune(
            recipe, space, read_dataset(sample_table), plan, tuned.folder / "trials.db", lambda: None
        )
    assert figures.model_dump(mode="json") == told
    assert len(trials(tuned.folder / "trials.db")) == len(tuned.after[-1])


def test_a_trial_on_a_killed_node_is_made_again(sample_table: Path, tmp_path: Path) -> None:
    command = command_of(tmp_path, sample_table, trials=4, epochs=100)
    with running_cluster() as breakable:
        killed = breakable.nodes[1]

        def kill_at_work(_: Popen[str]) -> None:
            wait_for_a_trial_on(killed)
            killed.kill()

        status, shown, errors = broken_off(
            *[*command, "--engine", "ray", "--address", breakable.address],
            once="trials 2/12",
            by=kill_at_work,
            temporary=tmp_path / "temporary",
        )
    assert (status, errors) == (0, "")
    assert "trials 12/12" in shown
    found = trials(tmp_path / "trials.db")
    assert [trial.state for trial in found] == [TrialState.COMPLETE] * 12
    assert found[-1].user_attrs["node"] == "127.0.0.2"
    assert list((tmp_path / "temporary").iterdir()) == []


def wait_for_a_trial_on(node: Node) -> None:
    """Wait until a process of the node is at a trial, by the name that Ray gives it."""
    deadline = time.monotonic() + 60
    while not any(name.startswith("ray::") and ".train" in name for name in names(node)):
        assert time.monotonic() < deadline, names(node)
        time.sleep(0.05)


def names(node: Node) -> list[str]:
    found = []
    for process in node.processes():
        try:
            found.append(" ".join(process.cmdline()))
        except psutil.NoSuchProcess:
            continue
    return found
