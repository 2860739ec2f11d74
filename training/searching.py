"""One study, and what brings it to its number of trials: this machine here, a cluster in `tuning_on_ray`."""

import math
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import numpy as np
import optuna
from optuna.samplers import TPESampler
from optuna.storages import BaseStorage
from optuna.study import Study
from optuna.trial import TrialState

from contract.errors import DivergenceError
from training.dataset import Part
from training.evaluation import mean_log_loss
from training.fitting import fit_model
from training.in_parallel import InOrder, in_parallel
from training.recipe import Recipe
from training.search_space import Choices, SearchSpace, with_choices


class Objective(NamedTuple):
    """What a trial is measured by: the recipe with its choices, on the inner folds of some phones."""

    recipe: Recipe
    inner: list[tuple[Part, Part]]

    def log_loss(self, choices: Choices, in_order: InOrder) -> float:
        """Return the mean over the folds, infinite if one leaves the finite numbers."""
        recipe = with_choices(self.recipe, choices)
        return float(np.mean(list(in_order(_log_loss, ((recipe, *fold) for fold in self.inner)))))


class Search(NamedTuple):
    """A study by its name in the storage, and what it is to be brought to."""

    storage: BaseStorage
    name: str
    space: SearchSpace
    objective: Objective
    trials: int
    seed: int
    watch: Callable[[], None]

    def study(self) -> Study:
        """Load it."""
        return optuna.load_study(storage=self.storage, study_name=self.name)


Searcher: TypeAlias = Callable[[Search], None]
"""What makes the trials that a search lacks, and tells its `watch` of each one done, now or before."""


def begin_or_go_on(search: Search) -> None:
    """Make the study if there is none; what an interruption has left undone is not waited for."""
    study = optuna.create_study(storage=search.storage, study_name=search.name, load_if_exists=True)
    for trial in study.get_trials(deepcopy=False, states=[TrialState.RUNNING]):
        study.tell(trial.number, state=TrialState.FAIL)
    own = dict(search.space.of(search.objective.recipe))
    if not search.space.holds(own):
        return
    tried = study.get_trials(deepcopy=False, states=[TrialState.COMPLETE, TrialState.WAITING])
    if not any(trial.state == TrialState.WAITING or trial.params == own for trial in tried):
        study.enqueue_trial(own)  # so that tuning cannot make it worse


def one_by_one(search: Search) -> None:
    """Make a trial after the other, each with its inner folds side by side on this machine."""
    study = search.study()
    for done in range(search.trials):
        if done >= complete(study):
            study.sampler = TPESampler(seed=search.seed + done)
            study.optimize(
                lambda trial: search.objective.log_loss(search.space.suggest(trial), in_parallel), n_trials=1
            )
        search.watch()


def complete(study: Study) -> int:
    """Return how many trials are done."""
    return len(study.get_trials(deepcopy=False, states=[TrialState.COMPLETE]))


def _log_loss(recipe: Recipe, learnt: Part, held_out: Part) -> float:
    try:
        model = fit_model(recipe, learnt)
    except DivergenceError:
        return math.inf
    return mean_log_loss(model.probabilities(held_out.matrix), held_out.classes)


class Means(NamedTuple):
    """What fits are made with."""

    search: Searcher
    in_order: InOrder


THIS_MACHINE = Means(one_by_one, in_parallel)
