import math

import numpy as np
import pytest

from training.evaluation import calibration_error, evaluate

PROBABILITIES = np.array(
    [[0.7, 0.1, 0.1, 0.1], [0.1, 0.6, 0.2, 0.1], [0.1, 0.5, 0.3, 0.1], [0.0, 0.0, 0.2, 0.8]],
    dtype=np.float32,
)


def test_the_figures_are_those_worked_out_by_hand() -> None:
    metrics = evaluate(PROBABILITIES, np.array([0, 1, 2, 3]), threshold=0.4)
    assert metrics.rows == 4
    assert metrics.accuracy == 0.75
    assert metrics.log_loss == pytest.approx(-sum(map(math.log, (0.7, 0.6, 0.3, 0.8))) / 4)
    assert metrics.macro_f1 == pytest.approx((1 + 2 / 3 + 0 + 1) / 4)
    assert metrics.brier_score == pytest.approx((0.12 + 0.22 + 0.76 + 0.08) / 4)
    assert metrics.off_by_more_than_one == 0
    assert metrics.confusion_matrix == [[1, 0, 0, 0], [0, 1, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1]]


@pytest.mark.parametrize(
    ("threshold", "coverage", "size"), [(0.4, 0.75, 1.0), (0.25, 1.0, 1.25), (0.0, 1.0, 4.0)]
)
def test_the_prediction_sets_are_measured_at_the_threshold(
    threshold: float, coverage: float, size: float
) -> None:
    metrics = evaluate(PROBABILITIES, np.array([0, 1, 2, 3]), threshold)
    assert (metrics.coverage, metrics.mean_set_size) == (coverage, size)


def test_only_what_is_two_ranges_off_counts_as_more_than_one() -> None:
    assert evaluate(PROBABILITIES, np.array([2, 0, 3, 0]), 0.5).off_by_more_than_one == 3


def test_a_class_that_is_absent_still_has_its_row() -> None:
    metrics = evaluate(np.eye(4, dtype=np.float32)[[0, 1]], np.array([0, 1]), 0.5)
    assert metrics.confusion_matrix == [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]


def test_the_calibration_error_is_the_distance_of_confidence_from_accuracy_in_fifteen_bins() -> None:
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet([0.5] * 4, size=2000)
    labels = rng.integers(0, 4, size=2000)
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    expected = 0.0
    for number in range(15):
        inside = (confidence > number / 15) & (confidence <= (number + 1) / 15)
        if inside.any():
            expected += inside.mean() * abs(confidence[inside].mean() - right[inside].mean())
    assert calibration_error(probabilities, labels) == pytest.approx(expected)
    assert expected > 0.1


def test_a_model_that_keeps_its_word_has_no_calibration_error() -> None:
    probabilities = np.array([[0.8, 0.2, 0, 0]] * 10)
    assert calibration_error(probabilities, np.array([0] * 8 + [1] * 2)) == pytest.approx(0)
