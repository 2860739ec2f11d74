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
    assert warnings.keys() == {"ram", "battery_power"}
    trained = {feature.name: feature for feature in read_current(ARTIFACTS).manifest.features}
    assert warnings["ram"] == {
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
        assert service.post("/predict", json=changed(**{name: bound})).json()["warnings"] == []
