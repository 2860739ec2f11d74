"""One study on a Ray cluster: Ray Tune makes its trials, Optuna draws them and keeps them in its own file.

What is done is in that file, so that any engine goes on from there; Ray Tune's own results are thrown away.
"""

import math
import os
import tempfile
from collections.abc import Mapping
from itertools import starmap
from typing import Any

from optuna.samplers import TPESampler
from ray import tune
from ray.tune.error import TuneError
from ray.tune.search.optuna import OptunaSearch
from ray.tune.stopper import Stopper

from contract.errors import ClusterError, PhonePriceError
from training.folds_on_ray import LOST_AT_MOST, OnRay, told
from training.searching import Objective, Search, complete

LOG_LOSS = "log_loss"

NODE = "node"
"""Of a trial's attributes in the file: the address of the node that made it."""

REFUSAL = "refusal"
"""Of a trial's result: why the recipe cannot be fitted at all, which no other node mends."""

_QUIET = {
    "RAY_AIR_NEW_OUTPUT": "0",  # the new one prints where results are, however little is asked for
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",  # a file for each trial, which nobody reads
    "TUNE_DISABLE_SIGINT_HANDLER": "1",  # it would catch Ctrl-C, go on for a while and return as if done
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",
}


def search_on_ray(on_ray: OnRay, search: Search) -> None:
    """Make the trials that are lacking, as many at a time as the cluster can.

    Raises `ClusterError` if trials fail for good; whatever the recipe is refused for.
    """
    done = complete(search.study())
    for _ in range(min(done, search.trials)):
        search.watch()
    if done < search.trials:
        with tempfile.TemporaryDirectory(prefix="phone-price-tune-") as results:
            _run(on_ray, search, done, results)


def _run(on_ray: OnRay, search: Search, done: int, results: str) -> None:
    os.environ.update(_QUIET)
    refused = _Refused()
    trial = tune.with_parameters(_trial, objective=search.objective)
    tuner = tune.Tuner(
        tune.with_resources(trial, {"cpu": 1, "gpu": on_ray.gpus}),
        tune_config=tune.TuneConfig(
            search_alg=_Draws(search, done),
            num_samples=search.trials - done,
            # so that a choice is drawn when there is a core for it, and knows all that is done by then
            max_concurrent_trials=on_ray.slots(),
            reuse_actors=True,
        ),
        run_config=tune.RunConfig(
            storage_path=results,
            verbose=0,
            stop=refused,
            failure_config=tune.FailureConfig(max_failures=LOST_AT_MOST),
        ),
    )
    try:
        failed = tuner.fit().errors
    except TuneError as error:  # of which the text is a traceback
        raise ClusterError(f"Ray Tune gave up: {str(error).strip().splitlines()[-1]}") from None
    if refused.why is not None:
        raise PhonePriceError(refused.why)
    if failed:
        raise ClusterError(f"{len(failed)} trials failed {LOST_AT_MOST + 1} times each: {told(failed[0])}")


def _trial(choices: Mapping[str, Any], objective: Objective) -> None:
    """Measure what was drawn, in a process somewhere; it has one core, so that fold follows upon fold."""
    try:
        tune.report({LOG_LOSS: objective.log_loss(choices, starmap)})
    except PhonePriceError as error:
        tune.report({LOG_LOSS: math.nan, REFUSAL: str(error)})


class _Refused(Stopper):
    """Ends all trials when one of them tells of a refusal."""

    why: str | None = None

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        self.why = self.why or result.get(REFUSAL)
        return False

    def stop_all(self) -> bool:
        return self.why is not None


class _Draws(OptunaSearch):
    """Draws of Optuna's, each of which is in the file of the trials when it is drawn and when it is done."""

    def __init__(self, search: Search, done: int) -> None:
        super().__init__(
            space=lambda trial: dict(search.space.suggest(trial)),
            metric=LOG_LOSS,
            mode="min",
            sampler=TPESampler(seed=search.seed + done),
            study_name=search.name,
            storage=search.storage,
        )
        self._watch = search.watch

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        if result is None or REFUSAL in result:
            super().on_trial_complete(trial_id, None, error=True)
            return
        self._ot_trials[trial_id].set_user_attr(NODE, result["node_ip"])
        super().on_trial_complete(trial_id, result, error)
        self._watch()

    def save(self, checkpoint_path: str) -> None:
        """Leave it out of Ray's results, which are thrown away."""

    def __reduce__(self) -> tuple[type[object], tuple[()]]:
        return object, ()  # Ray pickles a whole tuner for its results, and a bar on a terminal cannot be
