import httpx
import pytest
from safetensors.numpy import load

from contract.bundle import read_current
from contract.phone import FEATURES, SPECIFICATIONS
from tests.running_service import ARTIFACTS


@pytest.fixture
def info(service: httpx.Client) -> dict[str, object]:
    return dict(service.get("/model-info").json())


def test_it_tells_what_the_manifest_tells(info: dict[str, object]) -> None:
    manifest = read_current(ARTIFACTS).manifest.model_dump(mode="json")
    assert info["model_version"] == manifest["version"]
    assert info["engine"] == "onnx"
    for key in ("name", "created", "architecture", "metrics", "calibration", "data", "recipe", "libraries"):
        assert info[key] == manifest[key]


def test_it_tells_each_feature_with_its_unit_and_ranges(service: httpx.Client) -> None:
    features = service.get("/model-info").json()["features"]
    assert [feature["name"] for feature in features] == list(FEATURES)
    for feature in features:
        spec = SPECIFICATIONS[feature["name"]]
        assert feature["unit"] == spec.unit
        assert feature["description"] == spec.description
        assert spec.low <= feature["low"] <= feature["high"] <= spec.high
        assert (feature["plausible_low"], feature["plausible_high"]) == (spec.low, spec.high)


def test_it_counts_the_parameters(info: dict[str, object]) -> None:
    tensors = load(read_current(ARTIFACTS).weights)
    learnt = [tensor.size for name, tensor in tensors.items() if name != "temperature"]
    assert info["parameter_count"] == sum(learnt)


def test_it_names_the_classes(info: dict[str, object]) -> None:
    assert info["classes"] == [
        {"price_range": 0, "label": "low"},
        {"price_range": 1, "label": "medium"},
        {"price_range": 2, "label": "high"},
        {"price_range": 3, "label": "very high"},
    ]


def test_the_committed_model_is_as_good_as_the_issue_asks(info: dict[str, object]) -> None:
    metrics = read_current(ARTIFACTS).manifest.metrics
    assert metrics.rows == 400
    assert metrics.accuracy >= 0.90
    assert info["metrics"] == metrics.model_dump()
