from collections.abc import Iterator
from pathlib import Path

import joblib
import numpy as np
import pytest

from training.cross_validation import CrossValidation, Fold, cross_validate, measure
from training.dataset import Part, read_dataset
from training.evaluation import calibration_error
from training.recipe import Recipe


@pytest.fixture(scope="module")
def phones(sample_table: Path) -> Part:
    return read_dataset(sample_table).phones


@pytest.fixture(autouse=True)
def in_this_process() -> Iterator[None]:
    """Starting processes takes seconds; the command line's test does it."""
    with joblib.parallel_config(backend="sequential"):
        yield


@pytest.fixture(scope="module")
def result(tiny_recipe: Recipe, phones: Part) -> tuple[CrossValidation, list[Fold]]:
    folds: list[Fold] = []
    with joblib.parallel_config(backend="sequential"):
        return cross_validate(tiny_recipe, phones, 3, 2, 5, folds.append), folds


def test_every_phone_is_measured_once_in_each_repeat(
    result: tuple[CrossValidation, list[Fold]], phones: Part
) -> None:
    figures, folds = result
    assert len(folds) == 6
    assert (figures.rows, figures.folds, figures.repeats, figures.seed) == (240, 3, 2, 5)
    for repeat in (folds[:3], folds[3:]):
        labels = np.concatenate([fold.labels for fold in repeat])
        assert np.bincount(labels).tolist() == np.bincount(phones.classes).tolist()


def test_the_figures_are_those_of_the_folds(result: tuple[CrossValidation, list[Fold]]) -> None:
    figures, folds = result
    accuracies = [(fold.probabilities.argmax(axis=1) == fold.labels).mean() for fold in folds]
    losses = [-np.log(fold.probabilities[np.arange(len(fold.labels)), fold.labels]).mean() for fold in folds]
    off = [(np.abs(fold.probabilities.argmax(axis=1) - fold.labels) > 1).sum() for fold in folds]
    assert figures.accuracy_mean == pytest.approx(np.mean(accuracies))
    assert figures.accuracy_std == pytest.approx(np.std(accuracies))
    assert figures.log_loss_mean == pytest.approx(np.mean(losses), rel=1e-5)
    assert figures.off_by_more_than_one == sum(off)
    assert figures.coverage == pytest.approx(np.mean([fold.metrics.coverage for fold in folds]))


def test_the_calibration_error_is_of_all_phones_of_a_repeat_together(
    result: tuple[CrossValidation, list[Fold]],
) -> None:
    figures, folds = result
    of_repeats = [
        calibration_error(
            np.concatenate([fold.probabilities for fold in repeat]),
            np.concatenate([fold.labels for fold in repeat]),
        )
        for repeat in (folds[:3], folds[3:])
    ]
    assert figures.ece == pytest.approx(np.mean(of_repeats))


def test_the_same_seed_gives_the_same_figures_and_another_does_not(
    tiny_recipe: Recipe, phones: Part, result: tuple[CrossValidation, list[Fold]]
) -> None:
    again = cross_validate(tiny_recipe, phones, 3, 2, 5, lambda _: None)
    other = cross_validate(tiny_recipe, phones, 3, 2, 6, lambda _: None)
    assert again == result[0]
    assert other.log_loss_mean != again.log_loss_mean


def test_the_phones_measured_on_have_no_say_in_the_model(tiny_recipe: Recipe, phones: Part) -> None:
    learnt, held_out = phones.rows(np.arange(0, 180)), phones.rows(np.arange(180, 240))
    half = held_out.rows(np.arange(30))
    whole, part = measure(tiny_recipe, learnt, held_out), measure(tiny_recipe, learnt, half)
    assert np.array_equal(whole.probabilities[:30], part.probabilities)
