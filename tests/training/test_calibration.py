import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import softmax
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold

from contract.prediction_set import prediction_sets
from training.calibration import calibrate, fit_temperature, fit_threshold
from training.dataset import Part, read_dataset
from training.fitting import Model, fit_model
from training.recipe import Calibration, Recipe


def drawn(logits: np.ndarray, seed: int) -> np.ndarray:
    """Draw a label for each row from the softmax of its logits."""
    uniform = np.random.default_rng(seed).random((len(logits), 1))
    return np.asarray((softmax(logits, axis=1).cumsum(axis=1) < uniform).sum(axis=1))


LOGITS = np.random.default_rng(1).normal(scale=3, size=(20_000, 4))
LABELS = drawn(LOGITS, seed=2)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_the_temperature_that_made_the_labels_is_found(temperature: float) -> None:
    assert fit_temperature(LOGITS * temperature, LABELS) == pytest.approx(temperature, rel=0.03)


@pytest.mark.parametrize(("rows", "coverage"), [(200, 0.9), (1600, 0.99), (137, 0.95)])
def test_the_threshold_is_the_quantile_of_the_textbook(rows: int, coverage: float) -> None:
    """The ceil((n + 1) * coverage)-th smallest of the scores 1 - p(true range)."""
    probabilities, labels = softmax(LOGITS[:rows], axis=1), LABELS[:rows]
    scores = np.sort(1 - probabilities[np.arange(rows), labels])
    expected = 1 - scores[math.ceil((rows + 1) * coverage) - 1]
    assert fit_threshold(probabilities, labels, coverage) == pytest.approx(expected)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(20, 400), st.sampled_from([0.5, 0.8, 0.9, 0.95, 0.99]))
def test_for_any_number_of_phones_it_is_that_quantile_or_nothing(rows: int, coverage: float) -> None:
    probabilities, labels = softmax(LOGITS[:rows], axis=1), LABELS[:rows]
    rank = math.ceil((rows + 1) * coverage)
    ascending = np.sort(1 - probabilities[np.arange(rows), labels])
    expected = 1 - ascending[rank - 1] if rank <= rows else 0.0
    assert fit_threshold(probabilities, labels, coverage) == pytest.approx(expected)


@pytest.mark.parametrize("coverage", [0.8, 0.9, 0.99])
def test_phones_that_it_was_not_fitted_to_are_covered_as_often_as_promised(coverage: float) -> None:
    probabilities = softmax(LOGITS, axis=1)
    threshold = fit_threshold(probabilities[:5000], LABELS[:5000], coverage)
    sets = prediction_sets(probabilities[5000:], threshold)
    found = sets[np.arange(15_000), LABELS[5000:]].mean()
    assert found >= coverage - 0.01
    assert sets.mean() < 1, "all ranges in every set would cover everything"


def test_too_few_phones_for_the_coverage_give_every_range() -> None:
    probabilities = softmax(LOGITS[:98], axis=1)
    assert fit_threshold(probabilities, LABELS[:98], 0.99) == 0.0
    assert fit_threshold(softmax(LOGITS[:200], axis=1), LABELS[:200], 0.99) > 0


@pytest.fixture(scope="module")
def phones(sample_table: object) -> Part:
    return read_dataset(sample_table).phones  # type: ignore[arg-type]


def test_every_phone_is_predicted_by_a_model_that_has_not_learnt_it(
    tiny_recipe: Recipe, phones: Part
) -> None:
    learnt: list[set[int]] = []

    def fit(others: Part) -> Model:
        learnt.append(set(others.features.index))
        return fit_model(tiny_recipe, others)

    found = calibrate(Calibration(folds=4), phones, fit)
    everyone = set(phones.features.index)
    assert len(learnt) == 4
    left_out = [everyone - others for others in learnt]
    assert set.union(*left_out) == everyone
    assert sum(map(len, left_out)) == len(everyone) == found.rows


@pytest.mark.parametrize("coverage", [0.8, 0.9])
def test_it_goes_by_each_phones_own_prediction_and_range(
    tiny_recipe: Recipe, phones: Part, coverage: float
) -> None:
    """The reference puts each fold back in its place, and tries a hundred temperatures."""

    def fit(others: Part) -> Model:
        return fit_model(tiny_recipe, others)

    found = calibrate(Calibration(folds=3, temperature=True, coverage=coverage), phones, fit)
    assert found.coverage == coverage
    folds = StratifiedKFold(3, shuffle=True, random_state=0)
    logits = np.full((240, 4), np.nan)
    for others, fold in folds.split(phones.features, phones.labels):
        probabilities = fit(phones.rows(others)).probabilities(phones.rows(fold).matrix)
        logits[fold] = np.log(probabilities.astype(np.float64))
    temperatures = np.geomspace(0.2, 5, 101)
    losses = [log_loss(phones.classes, softmax(logits / value, axis=1)) for value in temperatures]
    assert found.temperature == pytest.approx(temperatures[int(np.argmin(losses))], rel=0.05)
    scores = 1 - softmax(logits / found.temperature, axis=1)[np.arange(240), phones.classes]
    expected = 1 - np.sort(scores)[math.ceil(241 * coverage) - 1]
    assert found.threshold == pytest.approx(expected, abs=1e-5)


def test_a_temperature_is_fitted_only_where_the_recipe_asks_for_it(tiny_recipe: Recipe, phones: Part) -> None:
    def fit(others: Part) -> Model:
        return fit_model(tiny_recipe, others)

    assert calibrate(Calibration(folds=2), phones, fit).temperature == 1.0
    assert calibrate(Calibration(folds=2, temperature=True), phones, fit).temperature != 1.0
