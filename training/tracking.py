"""Logging a run to MLflow, where the user already has it: MLFLOW_TRACKING_URI says where.

Without that variable nothing here is imported or done.
"""

import logging
import os
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contract.bundle import Manifest
from contract.errors import TrackingError
from training.loop import Epoch
from training.recipe import Recipe

if TYPE_CHECKING:
    from mlflow import MlflowClient

EXPERIMENT = "phone-price"
METRICS_IN_A_CALL = 1000
"""As many as MLflow's API takes."""

RETRIES = "2"
"""Of a request to a server; MLflow's own seven take four minutes to tell that nothing listens."""


class Untracked:
    """The run of a user who has no MLflow."""

    def watch(self, epoch: Epoch) -> None:
        """Forget the epoch."""

    def finish(self, bundle: Path, manifest: Manifest) -> None:
        """Log nothing."""


class Tracked(Untracked):
    """A run in MLflow, from its first epoch to its bundle."""

    def __init__(self, client: "MlflowClient", run_id: str) -> None:
        self._client = client
        self._run_id = run_id
        self._epochs: list[tuple[int, Epoch]] = []

    def watch(self, epoch: Epoch) -> None:
        """Remember the epoch and its time; a call for each would take longer than the epoch."""
        self._epochs.append((_milliseconds(), epoch))

    def finish(self, bundle: Path, manifest: Manifest) -> None:
        """Log the figures and the bundle. Raises `TrackingError`; the bundle stays where it is."""
        with _failures(f"{manifest.version} is written and served, but not logged"):
            self._log_figures(manifest)
            self._client.log_artifacts(self._run_id, str(bundle), manifest.version)

    def end(self, status: str) -> None:
        """Log the epochs, however far they came, and the status. Raises `TrackingError`."""
        with _failures(f"the run {self._run_id} cannot be ended"):
            self._log_epochs()
            self._client.set_terminated(self._run_id, status)

    def _log_epochs(self) -> None:
        from mlflow.entities import Metric

        metrics = [
            Metric(name, value, at, epoch.number)
            for at, epoch in self._epochs
            for name, value in epoch._asdict().items()
            if name != "number" and value is not None
        ]
        for first in range(0, len(metrics), METRICS_IN_A_CALL):
            self._client.log_batch(self._run_id, metrics=metrics[first : first + METRICS_IN_A_CALL])

    def _log_figures(self, manifest: Manifest) -> None:
        from mlflow.entities import Metric, RunTag

        figures = manifest.metrics.model_dump(exclude={"confusion_matrix"}, mode="json") | {
            f"calibration.{name}": value
            for name, value in manifest.calibration.model_dump(mode="json").items()
        }
        tags = {
            "model_version": manifest.version,
            "data": manifest.data.name,
            "data_sha256": manifest.data.sha256,
        }
        self._client.log_batch(
            self._run_id,
            metrics=[
                Metric(f"held_out.{name}", value, _milliseconds(), 0) for name, value in figures.items()
            ],
            tags=[RunTag(name, value) for name, value in tags.items()],
        )


@contextmanager
def tracked(recipe: Recipe) -> Iterator[Untracked]:
    """Yield what is to be told of a run. Raises `TrackingError` before the run if it cannot be logged."""
    uri = os.environ.get("MLFLOW_TRACKING_URI")
    if not uri:
        yield Untracked()
        return
    client = _client(uri)
    with _failures(f"no run can be logged at {uri}"):
        run_id = _start(client, recipe)
    run = Tracked(client, run_id)
    try:
        yield run
    except BaseException as error:
        with suppress(TrackingError):  # what went wrong first is what the user should read
            run.end("KILLED" if isinstance(error, KeyboardInterrupt) else "FAILED")
        raise
    run.end("FINISHED")


def _client(uri: str) -> "MlflowClient":
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", RETRIES)
    try:
        from mlflow import MlflowClient
    except ModuleNotFoundError as missing:
        raise TrackingError(
            f"MLFLOW_TRACKING_URI is set and {missing.name} is not installed: pip install '.[tracking]', "
            "or unset the variable"
        ) from None
    logging.getLogger("mlflow").setLevel(logging.WARNING)
    with _failures(f"MLflow cannot use {uri}"):
        return MlflowClient(uri)


def _start(client: "MlflowClient", recipe: Recipe) -> str:
    from mlflow.entities import Param

    name = os.environ.get("MLFLOW_EXPERIMENT_NAME", EXPERIMENT)
    experiment = client.get_experiment_by_name(name)
    identity = experiment.experiment_id if experiment else client.create_experiment(name)
    run_id = str(client.create_run(identity, run_name=recipe.name).info.run_id)
    choices = [Param(key, str(value)) for key, value in _flat(recipe.model_dump(mode="json"))]
    client.log_batch(run_id, params=choices)
    return run_id


def _flat(choices: Mapping[str, Any], within: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every choice by its dotted name."""
    for name, value in choices.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{within}{name}.")
        else:
            yield f"{within}{name}", value


def _milliseconds() -> int:
    return int(time.time() * 1000)


@contextmanager
def _failures(what: str) -> Iterator[None]:
    """Whatever MLflow or its store raises is a failure to track, and no reason for a traceback."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # MLflow's own use of SQLAlchemy
            yield
    except Exception as error:  # noqa: BLE001 - stores and servers fail in as many ways as there are of them
        raise TrackingError(f"{what}: {str(error).partition(chr(10))[0]}") from None
