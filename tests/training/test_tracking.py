"""Runs logged to a real MLflow store, and read back from it."""

import os
import socket
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from contract.bundle import current_version, read_bundle, read_current
from contract.errors import TrackingError
from tests.bundle_files import files_of
from tests.conftest import TINY_RECIPE
from tests.running_service import PROJECT
from training.loop import Epoch
from training.recipe import Recipe
from training.tracking import tracked

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of MLflow's own imports
    from mlflow import MlflowClient
    from mlflow.entities import Run


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A SQLite store, named in the environment; what MLflow puts beside it stays in the test's folder."""
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    monkeypatch.chdir(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", ResourceWarning)
        yield uri


def only_run(store: str, experiment: str = "phone-price") -> tuple[MlflowClient, Run]:
    client = MlflowClient(store)
    found = client.get_experiment_by_name(experiment)
    assert found is not None
    (run,) = client.search_runs([found.experiment_id])
    return client, run


EPOCH = Epoch(1, 1.5, 0.25, 0.01)


@pytest.fixture
def logged(store: str, tiny_recipe: Recipe, tiny_artifacts: Path) -> tuple[MlflowClient, Run]:
    version = current_version(tiny_artifacts)
    with tracked(tiny_recipe) as run:
        run.watch(EPOCH)
        run.watch(EPOCH._replace(number=2, loss=0.5, validation_loss=0.75))
        run.finish(tiny_artifacts / version, read_current(tiny_artifacts).manifest)
    return only_run(store)


def test_every_choice_of_the_recipe_is_a_parameter(logged: tuple[MlflowClient, Run]) -> None:
    _, run = logged
    assert run.info.status == "FINISHED"
    assert run.info.run_name == "tiny"
    chosen = run.data.params
    assert (chosen["epochs"], chosen["network.hidden_layers"]) == ("3", "[8]")
    assert (chosen["optimizer.name"], chosen["optimizer.learning_rate"]) == ("adam", "0.01")


def test_every_epoch_has_its_figures(logged: tuple[MlflowClient, Run]) -> None:
    client, run = logged
    history = client.get_metric_history(run.info.run_id, "loss")
    assert [(metric.step, metric.value) for metric in history] == [(1, 1.5), (2, 0.5)]
    validated = client.get_metric_history(run.info.run_id, "validation_loss")
    assert [(metric.step, metric.value) for metric in validated] == [(2, 0.75)]
    assert run.data.metrics["learning_rate"] == 0.01


def test_the_figures_of_the_model_are_those_of_the_manifest(
    logged: tuple[MlflowClient, Run], tiny_artifacts: Path
) -> None:
    manifest = read_current(tiny_artifacts).manifest
    _, run = logged
    assert run.data.metrics["held_out.accuracy"] == manifest.metrics.accuracy
    assert run.data.metrics["held_out.ece"] == manifest.metrics.ece
    assert run.data.metrics["held_out.calibration.threshold"] == manifest.calibration.threshold
    assert run.data.tags["model_version"] == manifest.version
    assert run.data.tags["data_sha256"] == manifest.data.sha256


def test_the_bundle_that_was_logged_can_be_served(
    logged: tuple[MlflowClient, Run], tiny_artifacts: Path, tmp_path: Path
) -> None:
    client, run = logged
    version = current_version(tiny_artifacts)
    folder = Path(client.download_artifacts(run.info.run_id, version, str(tmp_path)))
    assert files_of(read_bundle(folder)) == files_of(read_bundle(tiny_artifacts / version))


@pytest.mark.parametrize(("error", "status"), [(KeyboardInterrupt, "KILLED"), (ValueError, "FAILED")])
def test_a_run_that_does_not_come_to_its_end_says_so_and_keeps_its_epochs(
    store: str, tiny_recipe: Recipe, error: type[BaseException], status: str
) -> None:
    def stop_after_an_epoch() -> None:
        with tracked(tiny_recipe) as run:
            run.watch(EPOCH)
            raise error

    with pytest.raises(error):
        stop_after_an_epoch()
    _, found = only_run(store)
    assert found.info.status == status
    assert found.data.metrics["loss"] == 1.5


def test_the_users_experiment_is_used(
    store: str, tiny_recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "mine")
    with tracked(tiny_recipe):
        pass
    with tracked(tiny_recipe):
        pass
    client = MlflowClient(store)
    experiment = client.get_experiment_by_name("mine")
    assert experiment is not None
    assert len(client.search_runs([experiment.experiment_id])) == 2
    assert client.get_experiment_by_name("phone-price") is None


def test_a_bundle_that_cannot_be_logged_stays_and_the_message_says_so(
    store: str, tiny_recipe: Recipe, tiny_artifacts: Path, tmp_path: Path
) -> None:
    version = current_version(tiny_artifacts)

    def lose_the_store_meanwhile() -> None:
        with tracked(tiny_recipe) as run:
            (tmp_path / "mlflow.db").unlink()
            run.finish(tiny_artifacts / version, read_current(tiny_artifacts).manifest)

    with pytest.raises(TrackingError, match=f"{version} is written and served, but not logged"):
        lose_the_store_meanwhile()
    read_bundle(tiny_artifacts / version)


def test_a_server_that_does_not_answer_is_told_before_training_begins(
    tiny_recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.delenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", raising=False)
    before = dict(os.environ)
    start = time.monotonic()
    with (
        pytest.raises(TrackingError, match=r"no run can be logged at http://127\.0\.0\.1:9: "),
        tracked(tiny_recipe),
    ):
        pytest.fail("the run began")
    assert time.monotonic() - start < 20
    assert os.environ == before


def test_a_server_that_keeps_silent_is_told_within_seconds(
    tiny_recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{silent.getsockname()[1]}")
        start = time.monotonic()
        with pytest.raises(TrackingError, match="no run can be logged"), tracked(tiny_recipe):
            pytest.fail("the run began")
    assert time.monotonic() - start < 30


def test_the_users_own_patience_is_kept(tiny_recipe: Recipe, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(TrackingError), tracked(tiny_recipe):
        pytest.fail("the run began")
    assert os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] == "0"


def test_credentials_are_not_repeated(tiny_recipe: Recipe, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://me:secret@127.0.0.1:9")
    with pytest.raises(TrackingError) as raised, tracked(tiny_recipe):
        pytest.fail("the run began")
    assert "secret" not in str(raised.value)
    assert "http://***@127.0.0.1:9" in str(raised.value)


def test_a_store_that_cannot_be_opened_is_told_within_seconds(
    tiny_recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}")
    start = time.monotonic()
    with pytest.raises(TrackingError, match=r"MLflow cannot use .*unable to open"), tracked(tiny_recipe):
        pytest.fail("the run began")
    assert time.monotonic() - start < 20


def test_a_recipe_that_cannot_be_logged_leaves_no_run_running(
    store: str, tiny_recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRUNCATE_LONG_VALUES", "false")
    wordy = tiny_recipe.model_copy(update={"description": "x" * 10_000})
    with pytest.raises(TrackingError, match="the recipe tiny cannot be logged"), tracked(wordy):
        pytest.fail("the run began")
    _, run = only_run(store)
    assert run.info.status == "FAILED"


def test_files_are_kept_beside_the_store_and_nothing_where_the_command_runs(
    store: str,
    tiny_recipe: Recipe,
    tiny_artifacts: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    monkeypatch.chdir(elsewhere)
    with tracked(tiny_recipe) as run:
        manifest = read_current(tiny_artifacts).manifest
        run.finish(tiny_artifacts / manifest.version, manifest)
    assert list(elsewhere.iterdir()) == []


def run_python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=PROJECT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_without_the_variable_mlflow_is_not_even_imported() -> None:
    done = run_python(
        "import sys; from training.tracking import tracked; from training.recipe import Recipe\n"
        "with tracked(Recipe.load('best')) as run: run.watch(None); run.finish(None, None)\n"
        "assert 'mlflow' not in sys.modules",
        MLFLOW_TRACKING_URI="",
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("missing", ["mlflow", "alembic", "sqlalchemy"])
def test_without_mlflow_the_message_says_what_to_install(missing: str) -> None:
    done = run_python(
        f"import sys; sys.modules['{missing}'] = None\nfrom training.__main__ import app; app(['train'])",
        MLFLOW_TRACKING_URI="sqlite:///never.db",
    )
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: MLFLOW_TRACKING_URI is set and {missing}")
    assert "pip install '.[tracking]'" in done.stderr


def test_the_command_logs_a_run(sample_table: Path, tmp_path: Path, store: str) -> None:
    (tmp_path / "tiny.toml").write_text(TINY_RECIPE)
    command = [sys.executable, "-m", "training", "train", "--recipe", "tiny.toml", "--out", "artifacts"]
    done = subprocess.run(
        [*command, "--data", str(sample_table)],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    client, run = only_run(store)
    version = current_version(tmp_path / "artifacts")
    assert len(client.get_metric_history(run.info.run_id, "accuracy")) == 3
    assert run.data.tags["model_version"] == version
    assert [file.path for file in client.list_artifacts(run.info.run_id)] == [version]
