import math

import httpx
import pytest

from contract.bundle import current_version, read_current
from contract.phone import EXAMPLE, FEATURES
from tests.running_service import ARTIFACTS

LABELS = ["low", "medium", "high", "very high"]


def changed(**fields: float) -> dict[str, float]:
    return {**EXAMPLE, **fields}


def test_a_phone_gets_a_price_range_with_its_probabilities(service: httpx.Client) -> None:
    response = service.post("/predict", json=EXAMPLE)
    answer = response.json()
    assert response.status_code == 200
    assert answer.keys() == {
        "price_range",
        "label",
        "probabilities",
        "confidence",
        "prediction_set",
        "expected_range",
        "warnings",
        "model_version",
    }
    assert len(answer["probabilities"]) == 4
    assert math.isclose(sum(answer["probabilities"]), 1, abs_tol=1e-5)
    assert answer["confidence"] == max(answer["probabilities"])
    assert answer["price_range"] == answer["probabilities"].index(answer["confidence"])
    assert answer["label"] == LABELS[answer["price_range"]]
    assert answer["warnings"] == []
    assert answer["model_version"] == current_version(ARTIFACTS)


def test_the_prediction_set_holds_what_the_bundles_threshold_says(service: httpx.Client) -> None:
    """Phones of all kinds against the rule in plain Python, which knows nothing of arrays."""
    threshold = read_current(ARTIFACTS).manifest.calibration.threshold
    phones = [changed(ram=ram) for ram in range(256, 3998, 60)]
    predictions = service.post("/predict/batch", json={"phones": phones}).json()["predictions"]
    sizes = set()
    for prediction in predictions:
        probabilities = prediction["probabilities"]
        chosen = [index for index, each in enumerate(probabilities) if each >= threshold]
        chosen = chosen or [prediction["price_range"]]
        assert prediction["prediction_set"] == list(range(min(chosen), max(chosen) + 1))
        assert prediction["price_range"] in prediction["prediction_set"]
        sizes.add(len(prediction["prediction_set"]))
    assert sizes == {1, 2}, "the phones tried are neither all certain nor all uncertain"


def test_the_expected_range_is_the_mean_of_the_range_under_the_probabilities(service: httpx.Client) -> None:
    for ram in (300, 1500, 2048, 2500, 3900, 8192):
        answer = service.post("/predict", json=changed(ram=ram)).json()
        mean = sum(index * each for index, each in enumerate(answer["probabilities"]))
        assert answer["expected_range"] == pytest.approx(mean, abs=1e-5)
        assert 0 <= answer["expected_range"] <= 3


def test_more_memory_does_not_make_a_phone_cheaper(service: httpx.Client) -> None:
    ranges = [
        service.post("/predict", json=changed(ram=ram)).json()["price_range"] for ram in (300, 2000, 3900)
    ]
    assert ranges == sorted(ranges)
    assert ranges[0] < ranges[-1]


def test_golden_phones_get_their_golden_probabilities(service: httpx.Client) -> None:
    for row in read_current(ARTIFACTS).manifest.golden_rows:
        answer = service.post("/predict", json=row.phone.model_dump()).json()
        assert answer["probabilities"] == pytest.approx(row.probabilities, abs=1e-5)


def test_the_order_of_the_fields_and_the_way_to_write_a_whole_number_make_no_difference(
    service: httpx.Client,
) -> None:
    other = {name: float(EXAMPLE[name]) for name in reversed(FEATURES)}
    assert service.post("/predict", json=other).json() == service.post("/predict", json=EXAMPLE).json()


def test_a_value_outside_the_trained_range_is_answered_with_a_warning(service: httpx.Client) -> None:
    response = service.post("/predict", json=changed(ram=8_192, battery_power=5_000))
    assert response.status_code == 200
    warnings = {warning["feature"]: warning for warning in response.json()["warnings"]}
    assert list(warnings) == ["battery_power", "ram", None], "and it is unlike any as a whole"
    trained = {feature.name: feature for feature in read_current(ARTIFACTS).manifest.features}
    assert warnings["ram"] == {
        "kind": "out_of_range",
        "feature": "ram",
        "value": 8_192,
        "low": trained["ram"].low,
        "high": trained["ram"].high,
        "message": warnings["ram"]["message"],
    }
    for part in ("ram", "8192", f"{trained['ram'].high:g}", "MB"):
        assert part in warnings["ram"]["message"]


@pytest.mark.parametrize("name", FEATURES)
def test_the_trained_bounds_themselves_give_no_warning(service: httpx.Client, name: str) -> None:
    trained = {feature.name: feature for feature in read_current(ARTIFACTS).manifest.features}[name]
    for bound in (trained.low, trained.high):
        warnings = service.post("/predict", json=changed(**{name: bound})).json()["warnings"]
        assert not [each for each in warnings if each["kind"] == "out_of_range"]
