"""Logging a run to MLflow, where the user already has it: MLFLOW_TRACKING_URI says where.

Without that variable nothing here is imported or done.
"""

import logging
import os
import re
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

IMPATIENT = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_HTTP_REQUEST_TIMEOUT": "4"}
"""For the first contact; by MLflow's own settings a silent server holds a run for a quarter of an hour."""


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
        self._ended = False

    def choose(self, recipe: Recipe) -> None:
        """Log every choice of the recipe. Raises `TrackingError`."""
        from mlflow.entities import Param

        choices = [Param(key, str(value)) for key, value in _flat(recipe.model_dump(mode="json"))]
        with _failures(f"the recipe {recipe.name} cannot be logged"):
            self._client.log_batch(self._run_id, params=choices)

    def watch(self, epoch: Epoch) -> None:
        """Remember the epoch and its time; a call for each would take longer than the epoch."""
        self._epochs.append((_milliseconds(), epoch))

    def finish(self, bundle: Path, manifest: Manifest) -> None:
        """Log all there is and end the run. Raises `TrackingError`; the bundle stays where it is."""
        with _failures(f"{manifest.version} is written and served, but not logged"):
            self._log_figures(manifest)
            self._client.log_artifacts(self._run_id, str(bundle), manifest.version)
            self._end("FINISHED")

    def end(self, status: str) -> None:
        """End the run, unless it was finished, with the epochs that it came to. Raises `TrackingError`."""
        if not self._ended:
            with _failures(f"the run {self._run_id} cannot be ended"):
                self._end(status)

    def _end(self, status: str) -> None:
        self._log_epochs()
        self._client.set_terminated(self._run_id, status)
        self._ended = True

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

        figures = manifest.metrics.model_dump(exclude={"confusion_matrix", "reliability"}, mode="json") | {
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
        run = Tracked(client, _start(client, uri, recipe))
    try:
        run.choose(recipe)
        yield run
        run.end("FINISHED")
    except BaseException as error:
        # what went wrong first is what the user should read, and soon
        with suppress(TrackingError), _impatiently():
            run.end("KILLED" if isinstance(error, KeyboardInterrupt) else "FAILED")
        raise


def _client(uri: str) -> "MlflowClient":
    try:
        from mlflow import MlflowClient

        if _is_sqlite(uri):
            import alembic  # noqa: F401 - of these MLflow itself says only that the store has no such scheme
            import sqlalchemy  # noqa: F401
    except ModuleNotFoundError as missing:
        raise TrackingError(
            f"MLFLOW_TRACKING_URI is set and {missing.name} is not installed: pip install '.[tracking]', "
            "or unset the variable"
        ) from None
    logging.getLogger("mlflow").setLevel(logging.WARNING)
    with _failures(f"MLflow cannot use {uri}"):
        if _is_sqlite(uri):
            _open(uri)
        return MlflowClient(uri)


def _is_sqlite(uri: str) -> bool:
    return uri.startswith(("sqlite:", "sqlite+"))


def _open(uri: str) -> None:
    """Open the SQLite file or raise at once: MLflow would try for 100 seconds, whatever is set."""
    from sqlalchemy import create_engine

    if folder := _folder(uri):
        folder.mkdir(parents=True, exist_ok=True)
    engine = create_engine(uri)
    try:
        engine.connect().close()
    finally:
        engine.dispose()


def _folder(uri: str) -> Path | None:
    """Return the folder that a SQLite file is in; a store in memory has none."""
    from sqlalchemy import make_url

    database = make_url(uri).database
    return None if database in (None, "", ":memory:") else Path(str(database)).absolute().parent


def _start(client: "MlflowClient", uri: str, recipe: Recipe) -> str:
    name = os.environ.get("MLFLOW_EXPERIMENT_NAME") or EXPERIMENT
    with _impatiently():
        experiment = client.get_experiment_by_name(name)
    identity = (
        experiment.experiment_id if experiment else client.create_experiment(name, _artifact_location(uri))
    )
    return str(client.create_run(identity, run_name=recipe.name).info.run_id)


def _artifact_location(uri: str) -> str | None:
    """Where a new experiment keeps its files: beside a SQLite file, or where the server or store says.

    Of a SQLite store MLflow would keep them in ./mlruns, wherever the first run happened to be started.
    """
    folder = _folder(uri) if _is_sqlite(uri) else None
    return (folder / "mlartifacts").as_uri() if folder else None


@contextmanager
def _impatiently() -> Iterator[None]:
    """Wait no longer than about ten seconds for a server, unless the user has said how long."""
    ours = {name: value for name, value in IMPATIENT.items() if name not in os.environ}
    os.environ.update(ours)
    try:
        yield
    finally:
        for name in ours:
            os.environ.pop(name, None)


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
        message = f"{what}: {str(error).strip().partition(chr(10))[0]}"
        raise TrackingError(_without_credentials(message)) from None


def _without_credentials(message: str) -> str:
    """Hide what stands before the host in an address: messages end up in logs of CI."""
    return re.sub(r"//[^/\s]*@", "//***@", message)
