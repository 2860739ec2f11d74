import math

import numpy as np
import pytest

from training.evaluation import evaluate


def test_the_figures_are_those_worked_out_by_hand() -> None:
    probabilities = np.array(
        [[0.7, 0.1, 0.1, 0.1], [0.1, 0.6, 0.2, 0.1], [0.1, 0.5, 0.3, 0.1], [0.0, 0.0, 0.2, 0.8]],
        dtype=np.float32,
    )
    metrics = evaluate(probabilities, np.array([0, 1, 2, 3]))
    assert metrics.rows == 4
    assert metrics.accuracy == 0.75
    assert metrics.log_loss == pytest.approx(-sum(map(math.log, (0.7, 0.6, 0.3, 0.8))) / 4)
    assert metrics.macro_f1 == pytest.approx((1 + 2 / 3 + 0 + 1) / 4)
    assert metrics.confusion_matrix == [[1, 0, 0, 0], [0, 1, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1]]


def test_a_class_that_is_absent_still_has_its_row() -> None:
    metrics = evaluate(np.eye(4, dtype=np.float32)[[0, 1]], np.array([0, 1]))
    assert metrics.confusion_matrix == [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]
