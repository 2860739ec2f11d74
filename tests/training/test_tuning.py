import warnings
from collections.abc import Iterator
from pathlib import Path

import joblib
import optuna
import pytest

from training.cross_validation import measure
from training.dataset import Dataset, Part, read_dataset
from training.recipe import Recipe
from training.search_space import SearchSpace, with_choices
from training.tuning import Plan, Tuning, folds_of, tune

SPACE = SearchSpace.model_validate(
    {"ranges": {"optimizer.learning_rate": {"low": 1e-4, "high": 0.1, "log": True}}}
)
PLAN = Plan(folds=2, inner_folds=2, trials=3, seed=4)


@pytest.fixture(scope="module")
def dataset(sample_table: Path) -> Dataset:
    return read_dataset(sample_table)


@pytest.fixture(autouse=True)
def in_this_process() -> Iterator[None]:
    with joblib.parallel_config(backend="sequential"):
        yield


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tuning") / "trials.db"


@pytest.fixture(scope="module")
def result(tiny_recipe: Recipe, dataset: Dataset, storage: Path) -> Tuning:
    with joblib.parallel_config(backend="sequential"):
        return tune(tiny_recipe, SPACE, dataset, PLAN, storage, lambda: None)


def trials(storage: Path) -> list[int]:
    """How many trials of each study are done."""
    return [
        len([trial for trial in study.trials if trial.state == optuna.trial.TrialState.COMPLETE])
        for study in (
            optuna.load_study(study_name=name, storage=f"sqlite:///{storage}")
            for name in optuna.get_all_study_names(f"sqlite:///{storage}")
        )
    ]


def test_each_outer_fold_is_measured_with_what_was_chosen_without_it(
    result: Tuning, tiny_recipe: Recipe, dataset: Dataset
) -> None:
    assert len(result.outer_folds) == 2
    for fold, (others, held_out) in zip(
        result.outer_folds, folds_of(dataset.phones, PLAN.folds, PLAN.seed), strict=True
    ):
        assert measure(with_choices(tiny_recipe, fold.choices), others, held_out).metrics == fold.metrics


def test_an_outer_fold_has_no_say_in_what_is_chosen_for_it(
    result: Tuning, tiny_recipe: Recipe, dataset: Dataset, tmp_path: Path
) -> None:
    """Other phones in the first outer fold, of the same ranges: the inner folds must not feel it."""
    _, held_out = folds_of(dataset.phones, PLAN.folds, PLAN.seed)[0]
    features = dataset.phones.features.copy()
    features.loc[held_out.features.index] = held_out.features.to_numpy()[::-1]
    other = Dataset("other.csv", "0" * 64, Part(features, dataset.phones.labels))
    first = tune(tiny_recipe, SPACE, other, PLAN, tmp_path / "trials.db", lambda: None).outer_folds[0]
    assert first.inner_log_loss == result.outer_folds[0].inner_log_loss
    assert first.choices == result.outer_folds[0].choices
    assert first.metrics != result.outer_folds[0].metrics


def test_the_recipe_itself_is_among_what_is_tried(result: Tuning, storage: Path) -> None:
    for name in optuna.get_all_study_names(f"sqlite:///{storage}"):
        first, *_ = optuna.load_study(study_name=name, storage=f"sqlite:///{storage}").trials
        assert first.params == {"optimizer.learning_rate": 1e-2}


@pytest.mark.parametrize(
    "space",
    [
        {"choices": {"network.activation": ["tanh", "silu"]}},
        {"ranges": {"optimizer.learning_rate": {"low": 0.02, "high": 0.05}}},
    ],
)
def test_a_recipe_outside_the_space_is_not_tried(
    space: object, tiny_recipe: Recipe, dataset: Dataset, tmp_path: Path
) -> None:
    plan, tried = PLAN._replace(trials=2), SearchSpace.model_validate(space)
    with warnings.catch_warnings(record=True) as told:
        result = tune(tiny_recipe, tried, dataset, plan, tmp_path / "trials.db", lambda: None)
    assert tried.holds(result.choices)
    assert not told


def test_the_choice_is_the_best_on_the_inner_folds(result: Tuning, storage: Path) -> None:
    (name,) = [name for name in optuna.get_all_study_names(f"sqlite:///{storage}") if name.endswith("-all")]
    study = optuna.load_study(study_name=name, storage=f"sqlite:///{storage}")
    losses = {trial.value or 0.0: trial.params for trial in study.trials}
    assert len(losses) == 3
    assert result.choices == losses[min(losses)]
    assert result.inner_log_loss == min(losses)


def test_an_interrupted_run_goes_on_where_it_was_and_comes_to_the_same_result(
    result: Tuning, tiny_recipe: Recipe, dataset: Dataset, tmp_path: Path
) -> None:
    storage = tmp_path / "trials.db"
    told = 0

    def interrupt() -> None:
        nonlocal told
        told += 1
        if told == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tune(tiny_recipe, SPACE, dataset, PLAN, storage, interrupt)
    assert trials(storage) == [3, 1]
    again = tune(tiny_recipe, SPACE, dataset, PLAN, storage, lambda: None)
    assert trials(storage) == [3, 3, 3]
    assert again == result


def test_nothing_that_is_done_is_done_again(
    result: Tuning, tiny_recipe: Recipe, dataset: Dataset, storage: Path
) -> None:
    before = trials(storage)
    assert tune(tiny_recipe, SPACE, dataset, PLAN, storage, lambda: None) == result
    assert trials(storage) == before


def test_trials_of_another_recipe_are_not_taken_for_ones_own(
    result: Tuning, tiny_recipe: Recipe, dataset: Dataset, storage: Path
) -> None:
    before = trials(storage)
    other = tiny_recipe.model_copy(update={"seed": 8})
    tune(other, SPACE, dataset, PLAN._replace(trials=1), storage, lambda: None)
    assert sorted(trials(storage)) == sorted([*before, 1, 1, 1])


def test_choices_that_leave_the_finite_numbers_are_the_worst_and_no_failure(
    tiny_recipe: Recipe, dataset: Dataset, tmp_path: Path
) -> None:
    wild = with_choices(
        tiny_recipe,
        {
            "network": {"hidden_layers": [8, 8, 8], "activation": "leaky_relu"},
            "optimizer": {"name": "sgd", "learning_rate": 10.0},
            "standardise": False,
        },
    )
    space = SearchSpace.model_validate(
        {"ranges": {"optimizer.learning_rate": {"low": 1e-6, "high": 10.0, "log": True}}}
    )
    result = tune(wild, space, dataset, PLAN._replace(trials=4), tmp_path / "trials.db", lambda: None)
    assert result.inner_log_loss < 10
    assert result.choices["optimizer.learning_rate"] < 10
