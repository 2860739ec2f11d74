"""Two engines of one shape, on the committed bundle and all the real data."""

import csv
from dataclasses import replace
from pathlib import Path

import httpx
import numpy as np
import pytest

from contract.bundle import Bundle, read_current
from contract.errors import EngineError, ShapeError
from contract.phone import (
    EXAMPLE,
    FEATURES,
    FeatureMatrix,
    Phone,
    Probabilities,
    to_matrix,
    to_specifications,
)
from service.engine import Engine, load_engine
from service.predictor import Predictor
from tests.running_service import ARTIFACTS, running_service
from training.export import graph_probabilities


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return read_current(ARTIFACTS)


@pytest.fixture(scope="module")
def engines(bundle: Bundle) -> list[Engine]:
    return [load_engine("onnx", bundle), load_engine("torch", bundle)]


def rows_of(table: Path) -> FeatureMatrix:
    with table.open() as file:
        return np.array([[float(row[name]) for name in FEATURES] for row in csv.DictReader(file)], np.float32)


def test_they_agree_on_the_whole_data_set(
    engines: list[Engine], real_table: Path, unlabelled_table: Path
) -> None:
    features = np.concatenate([rows_of(real_table), rows_of(unlabelled_table)])
    onnx, torch = (engine.predict(features) for engine in engines)
    assert onnx.shape == torch.shape == (3000, 4)
    assert np.abs(onnx - torch).max() <= 1e-5
    assert (onnx.argmax(axis=1) == torch.argmax(axis=1)).all()


@pytest.mark.parametrize("rows", [1, 2, 1000])
def test_they_return_float32_rows_that_sum_to_one(engines: list[Engine], rows: int) -> None:
    features = to_matrix([Phone(**EXAMPLE)] * rows)
    for engine in engines:
        probabilities = engine.predict(features)
        assert probabilities.dtype == np.float32
        assert probabilities.shape == (rows, 4)
        assert probabilities.sum(axis=1) == pytest.approx(1, abs=1e-5)


def test_the_torch_engine_answers_over_http_as_the_default_one(service: httpx.Client) -> None:
    with running_service(ARTIFACTS, PHONE_PRICE_ENGINE="torch") as running:
        assert running.client.get("/health").json()["engine"] == "torch"
        answer = running.client.post("/predict", json=EXAMPLE).json()
    expected = service.post("/predict", json=EXAMPLE).json()
    for number in ("probabilities", "confidence", "expected_range"):
        assert answer.pop(number) == pytest.approx(expected.pop(number), abs=1e-5)
    assert answer == expected


def test_a_graph_of_another_shape_is_refused(bundle: Bundle) -> None:
    import onnx
    from onnx import TensorProto, helper

    node = helper.make_node("Identity", ["phones"], ["probabilities"])
    value = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["rows", 20]) for name in node.input]
    result = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["rows", 20]) for name in node.output]
    graph = helper.make_graph([node], "identity", value, result)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    onnx.checker.check_model(model)
    content = model.SerializeToString()
    assert graph_probabilities(content, to_matrix([Phone(**EXAMPLE)])).shape == (1, 20)
    with pytest.raises(ShapeError, match=r"model\.onnx"):
        load_engine("onnx", replace(bundle, graph=content))


def test_a_result_that_is_not_finite_is_an_error_and_no_answer(bundle: Bundle) -> None:
    class Broken:
        name = "broken"

        def predict(self, features: FeatureMatrix) -> Probabilities:
            return np.full((len(features), 4), np.nan, np.float32)

    with pytest.raises(EngineError, match="not a finite number"):
        Predictor(bundle, Broken()).predict(to_specifications([Phone(**EXAMPLE)]))
