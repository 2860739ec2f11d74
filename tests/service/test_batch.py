import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

import httpx
import pytest

from contract.phone import EXAMPLE, FEATURES
from training.made_up import PUBLISHED_RANGES, make_up_phones

PHONES = make_up_phones(50, PUBLISHED_RANGES, seed=9).to_dict("records")


def as_csv(phones: Sequence[Mapping[Any, Any]], columns: list[str]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, extrasaction="ignore")
    writer.writeheader()
    writer.writerows(phones)
    return text.getvalue()


def post_csv(service: httpx.Client, content: str | bytes, kind: str = "text/csv") -> httpx.Response:
    return service.post("/predict/batch", content=content, headers={"Content-Type": kind})


def test_a_batch_gives_what_the_phones_give_alone(service: httpx.Client) -> None:
    response = service.post("/predict/batch", json={"phones": PHONES})
    assert response.status_code == 200
    answer = response.json()
    assert len(answer["predictions"]) == len(PHONES)
    for phone, prediction in zip(PHONES, answer["predictions"], strict=True):
        alone = service.post("/predict", json=phone).json()
        assert alone.pop("model_version") == answer["model_version"]
        for name in ("probabilities", "confidence", "expected_range"):
            assert prediction.pop(name) == pytest.approx(alone.pop(name), abs=1e-6)
        assert prediction == alone


def test_csv_gives_what_json_gives(service: httpx.Client) -> None:
    expected = service.post("/predict/batch", json={"phones": PHONES}).json()
    assert post_csv(service, as_csv(PHONES, list(FEATURES))).json() == expected


def test_csv_columns_may_stand_in_any_order_beside_others(service: httpx.Client) -> None:
    expected = post_csv(service, as_csv(PHONES, list(FEATURES))).json()
    numbered = [{"id": number, **phone} for number, phone in enumerate(PHONES)]
    shuffled = as_csv(numbered, [*sorted(FEATURES, reverse=True), "id"])
    assert post_csv(service, shuffled, "Text/CSV; charset=utf-8").json() == expected


def test_warnings_belong_to_their_phone(service: httpx.Client) -> None:
    phones = [EXAMPLE, {**EXAMPLE, "ram": 8_192}, EXAMPLE]
    predictions = service.post("/predict/batch", json={"phones": phones}).json()["predictions"]
    warned = [[warning["feature"] for warning in prediction["warnings"]] for prediction in predictions]
    assert warned == [[], ["ram", None], []]


def test_ten_thousand_phones_are_answered_and_one_more_is_refused(service: httpx.Client) -> None:
    assert service.post("/predict/batch", json={"phones": [EXAMPLE] * 10_000}).status_code == 200
    refused = service.post("/predict/batch", json={"phones": [EXAMPLE] * 10_001})
    assert refused.status_code == 422
    assert refused.json()["detail"][0]["loc"] == ["body", "phones"]


def test_a_bad_phone_is_named_by_its_position(service: httpx.Client) -> None:
    response = service.post("/predict/batch", json={"phones": [EXAMPLE, {**EXAMPLE, "n_cores": 2.5}]})
    assert response.status_code == 422
    (detail,) = response.json()["detail"]
    assert detail["loc"] == ["body", "phones", 1, "n_cores"]


def test_a_bad_row_is_named_by_line_and_column(service: httpx.Client) -> None:
    table = as_csv([EXAMPLE, {**EXAMPLE, "ram": "lots"}], list(FEATURES))
    response = post_csv(service, table)
    assert response.status_code == 422
    (detail,) = response.json()["detail"]
    assert detail["loc"] == ["body", "line", 3, "ram"]
    assert detail["msg"].startswith("Line 3, column ram: ")
    assert "lots" not in response.text
