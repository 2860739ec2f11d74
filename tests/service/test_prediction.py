"""Predictions row by row and column by column are the same ones, and warnings hold what was sent."""

import json
from typing import TypeAlias

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from contract.bundle import read_current
from contract.phone import EXAMPLE, FEATURES, Specifications
from service.prediction import LABELS, Predictions
from service.tables.rows import Rows
from service.tables.writers.objects import NdjsonWriter
from service.verdict import InputWarning, Judge
from tests.running_service import ARTIFACTS

BUNDLE = read_current(ARTIFACTS)
MANIFEST = BUNDLE.manifest
JUDGE = Judge(MANIFEST, BUNDLE.population)
TRAINED = {feature.name: feature for feature in MANIFEST.features}
CERTAIN = (0.0, 0.0, 0.0, 1.0)

Row: TypeAlias = tuple[float, ...]
"""The probabilities of the four classes."""


def phone(**specifications: float) -> NDArray[np.float64]:
    """One phone, within the trained ranges but for these `specifications`."""
    return np.array([list({**EXAMPLE, **specifications}.values())])  # (1, 20)


def predictions(rows: list[Row], threshold: float, phones: Specifications | None = None) -> Predictions:
    """What a model with these probabilities would have said; without `phones` of the example each time."""
    exact = float(np.float32(threshold))
    specifications = np.repeat(phone(), len(rows), axis=0) if phones is None else phones
    return Predictions(JUDGE, exact, specifications, np.array(rows, dtype=np.float32).reshape(-1, 4))


def beside(value: float) -> list[float]:
    """The float32 of a value and its two neighbours, within 0 and 1."""
    near = np.float32(value)
    return [float(each) for each in (near, np.nextafter(near, 0 * near), np.nextafter(near, near**0))]


# 0.1 is less than its float32, 0.7 more
THRESHOLDS = [MANIFEST.calibration.threshold, 0.0, 0.1, 0.25, 0.7, 1.0]


def rows(threshold: float) -> st.SearchStrategy[list[Row]]:
    """Probabilities that often touch the threshold, or are those of two classes; they need not sum to 1."""
    edges = st.sampled_from([0.0, 0.25, 0.5, 1.0, float(np.float32(1e-38)), *beside(threshold)])
    row = st.tuples(*[edges | st.floats(0, 1, width=32)] * 4).filter(lambda each: sum(each) > 1e-30)
    return st.lists(row, max_size=5)


@given(st.sampled_from(THRESHOLDS).flatmap(lambda each: st.tuples(rows(each), st.just(each))))
@settings(max_examples=500, derandomize=True, deadline=None)
def test_rows_say_what_columns_say(drawn: tuple[list[Row], float]) -> None:
    columns = predictions(*drawn)
    answers = columns.answers()
    assert len(answers) == len(columns) == len(drawn[0])
    assert [answer["price_range"] for answer in answers] == columns.price_range.tolist()
    assert [answer["label"] for answer in answers] == [LABELS[each] for each in columns.price_range]
    assert [answer["probabilities"] for answer in answers] == columns.probabilities.tolist()
    assert [answer["confidence"] for answer in answers] == columns.confidence.tolist()
    assert [answer["expected_range"] for answer in answers] == pytest.approx(
        columns.expected_range.tolist(), rel=0, abs=1e-12
    )
    lowest, highest = columns.prediction_set
    bounds = zip(lowest.tolist(), highest.tolist(), strict=True)
    assert [answer["prediction_set"] for answer in answers] == [
        [*range(low, high + 1)] for low, high in bounds
    ]


@given(st.sampled_from(THRESHOLDS).flatmap(lambda each: st.tuples(rows(each), st.just(each))), st.data())
@settings(max_examples=500, derandomize=True, deadline=None)
def test_a_table_in_json_says_what_rows_say(drawn: tuple[list[Row], float], data: st.DataObject) -> None:
    """The writer reads its objects off the columns."""
    rams = data.draw(st.lists(st.floats(0, 8_000), min_size=len(drawn[0]), max_size=len(drawn[0])))
    phones = np.concatenate([np.empty((0, len(FEATURES))), *(phone(ram=ram) for ram in rams)])
    columns = predictions(*drawn, phones)
    lines = NdjsonWriter().write(Rows(phones), columns).splitlines()
    for line, answer in zip(lines, columns.answers(), strict=True):
        expected_range = pytest.approx(answer["expected_range"], rel=0, abs=1e-12)
        assert json.loads(line) == {**answer, "expected_range": expected_range}


@pytest.mark.parametrize(
    ("row", "price_range", "prediction_set", "expected_range"),
    [
        ((0.25, 0.25, 0.25, 0.25), 0, [0, 1, 2, 3], 1.5),
        ((0.0, 0.5, 0.5, 0.0), 1, [1, 2], 1.5),
        ((0.125, 0.0, 0.125, 0.75), 3, [3], 2.5),
        ((0.25, 0.0, 0.0, 0.75), 3, [0, 1, 2, 3], 2.25),
        ((0.125, 0.125, 0.125, 0.125), 0, [0, 1, 2, 3], 1.5),  # none reaches the threshold
    ],
)
def test_worked_examples(
    row: Row, price_range: int, prediction_set: list[int], expected_range: float
) -> None:
    """With the threshold 0.25."""
    (answer,) = predictions([row], 0.25).answers()
    assert answer["price_range"] == price_range
    assert answer["prediction_set"] == prediction_set
    assert answer["expected_range"] == expected_range


@pytest.mark.parametrize("threshold", THRESHOLDS)
def test_a_probability_of_just_the_threshold_is_in_the_set(threshold: float) -> None:
    at, below, _ = beside(threshold)
    for probability in (at, below):
        (answer,) = predictions([(probability, 0.0, 0.0, 1.0)], threshold).answers()
        assert (0 in answer["prediction_set"]) == (probability == at)


# warnings

Change: TypeAlias = dict[str, float]
"""Some specifications of a phone."""


def is_outside(name: str, value: float) -> bool:
    """Whether the model, which computes with float32, sees a value beyond those trained on."""
    low, high = np.float32(TRAINED[name].low), np.float32(TRAINED[name].high)
    return not low <= np.float32(value) <= high


@given(st.lists(st.dictionaries(st.sampled_from(FEATURES), st.floats(0, 5_000), max_size=4), max_size=4))
@settings(max_examples=300, derandomize=True, deadline=None)
def test_a_row_warns_of_what_is_outside_with_the_value_that_was_sent(changes: list[Change]) -> None:
    phones = np.concatenate([np.empty((0, len(FEATURES))), *(phone(**change) for change in changes)])
    columns = predictions([CERTAIN] * len(phones), 0.25, phones)
    for answer, change in zip(columns.answers(), changes, strict=True):
        beyond = [warning for warning in answer["warnings"] if warning["kind"] == "out_of_range"]
        warned = {warning["feature"]: warning["value"] for warning in beyond}
        assert warned == {name: value for name, value in change.items() if is_outside(name, value)}
        assert list(warned) == [name for name in FEATURES if name in warned]
    assert columns.any_warned == any(answer["warnings"] for answer in columns.answers())


def warnings_of(**change: float) -> list[InputWarning]:
    (answer,) = predictions([CERTAIN], 0.25, phone(**change)).answers()
    return answer["warnings"]


def test_a_warning_tells_feature_value_range_and_unit() -> None:
    (warning,) = warnings_of(clock_speed=0.05)
    assert warning == {
        "kind": "out_of_range",
        "feature": "clock_speed",
        "value": 0.05,
        "low": 0.5,
        "high": 3.0,
        "message": "clock_speed is 0.05; the model was trained on 0.5 to 3 (GHz), so this answer reaches "
        "beyond its data",
    }
    assert '"value": 0.05,' in json.dumps(warning), "not 0.05000000074505806, which is its float32"


def test_a_warning_writes_whole_numbers_without_a_point() -> None:
    warning = warnings_of(ram=8_192)[0]
    low, high = TRAINED["ram"].low, TRAINED["ram"].high
    assert f"ram is 8192; the model was trained on {low:.0f} to {high:.0f} (MB)" in warning["message"]


@pytest.mark.parametrize("name", FEATURES)
@pytest.mark.parametrize("bound", ["low", "high"])
def test_a_value_that_the_model_cannot_tell_from_a_trained_bound_is_not_outside(
    name: str, bound: str
) -> None:
    trained = getattr(TRAINED[name], bound)
    for value in (trained, trained * (1 - 1e-9), trained * (1 + 1e-9)):
        assert not [each for each in warnings_of(**{name: value}) if each["kind"] == "out_of_range"]
