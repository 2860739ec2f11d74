import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.prediction_set import prediction_sets

weights = st.lists(st.floats(1e-6, 1), min_size=4, max_size=4)


@settings(derandomize=True)
@given(weights, st.floats(0, 1))
def test_a_set_has_the_likeliest_all_above_the_threshold_and_no_gaps(
    weights: list[float], threshold: float
) -> None:
    probabilities = np.array([weights]) / np.sum(weights)
    (chosen,) = prediction_sets(probabilities, threshold)
    members = np.flatnonzero(chosen)
    assert probabilities[0].argmax() in members
    assert set(np.flatnonzero(probabilities[0] >= threshold)) <= set(members)
    assert members.tolist() == list(range(members[0], members[-1] + 1))
    ends = probabilities[0][[members[0], members[-1]]]
    assert ((ends >= threshold) | (ends == probabilities.max())).all(), "a range more than needed"


@pytest.mark.parametrize(
    ("probabilities", "threshold", "expected"),
    [
        ([0.02, 0.5, 0.08, 0.4], 0.1, [1, 2, 3]),
        ([0.9, 0.1, 0.0, 0.0], 0.2, [0]),
        ([0.25, 0.25, 0.25, 0.25], 0.9, [0, 1, 2, 3]),
        ([0.1, 0.2, 0.3, 0.4], 0.0, [0, 1, 2, 3]),
        ([0.1, 0.2, 0.3, 0.4], 1.0, [3]),
    ],
)
def test_worked_examples(probabilities: list[float], threshold: float, expected: list[int]) -> None:
    (chosen,) = prediction_sets(np.array([probabilities]), threshold)
    assert np.flatnonzero(chosen).tolist() == expected


@settings(derandomize=True)
@given(st.lists(weights, min_size=2, max_size=5), st.floats(0, 1))
def test_each_phone_has_the_set_that_it_would_have_alone(
    weights: list[list[float]], threshold: float
) -> None:
    probabilities = np.array(weights, dtype=np.float32) / np.sum(weights, axis=1, keepdims=True)
    alone = [prediction_sets(row[None], threshold)[0].tolist() for row in probabilities]
    assert prediction_sets(probabilities, threshold).tolist() == alone
