"""KServe's protocol V1 gives the answers of POST /predict and POST /explain."""

from typing import Any

import httpx
import pytest

from contract.phone import EXAMPLE, FEATURES
from tests.service.protocols.phones import PHONES, ROWS, WRONG, predicted

MODEL = "/v1/models/phone-price"


def refusal(answer: httpx.Response, status: int = 400) -> str:
    assert answer.status_code == status
    return str(answer.json()["error"])


@pytest.mark.parametrize("rows", [PHONES, ROWS, [dict(reversed(phone.items())) for phone in PHONES]])
@pytest.mark.parametrize("name", ["instances", "inputs"])
def test_instances_get_the_answers_of_predict(service: httpx.Client, name: str, rows: list[Any]) -> None:
    answer = service.post(f"{MODEL}:predict", json={name: rows, "model_name": "ignored"})
    assert answer.json() == {"predictions": predicted(service)}


def test_names_win_over_places_and_other_fields_are_ignored(service: httpx.Client) -> None:
    named = [{"id": "a", **dict(sorted(phone.items())), "price_range": 3} for phone in PHONES]
    mixed = [named[0], ROWS[1], named[2], ROWS[3]]
    for rows in (named, mixed):
        answer = service.post(f"{MODEL}:predict", json={"instances": rows})
        assert answer.json()["predictions"] == predicted(service)


def test_instances_are_explained_as_one_phone_is(service: httpx.Client) -> None:
    answer = service.post(f"{MODEL}:explain", json={"instances": [PHONES[0], ROWS[3]]}).json()
    for found, phone in zip(answer["explanations"], (PHONES[0], PHONES[3]), strict=True):
        assert found == service.post("/explain", json=phone).json()


@pytest.mark.parametrize("verb", ["predict", "explain"])
@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"instances": []}, "There are no phones"),
        ({"instances": [WRONG]}, "instances[0].wifi: Input should be less than or equal to 1"),
        ({"instances": [EXAMPLE, [*ROWS[0][:-1], 2]]}, "instances[1].wifi"),
        ({"instances": [ROWS[0][:-1]]}, "instances[0] holds 19 numbers; send 20"),
        (
            {"instances": [["a"]]},
            "instances[0][0] is not a finite number; battery_power must be a whole number from",
        ),
        ({"instances": [[1, -0.5, [1]]]}, "instances[0][2] is not a finite number; clock_speed must be"),
        ({"instances": [[1] * 20 + [None]]}, "instances[0][20] is not a finite number"),
        ({"instances": [[1, 1, 10**400]]}, "instances[0][2] is not a finite number; clock_speed"),
        ({"instances": [[True]]}, "instances[0][0] is not a finite number"),
        ({"instances": [ROWS[0], 5]}, "instances[1] is neither a list nor an object"),
        ({"instances": ROWS[0][:16]}, "put the 20 numbers of each phone into one"),
        ({"instances": [{}]}, "instances[0].battery_power: Field required"),
        ({"instances": [{**EXAMPLE, "ram": None}]}, "instances[0].ram: Input should be a valid number"),
        ({"instances": [{**EXAMPLE, "ram": "2048"}]}, "ram must be a whole number from 1 to 65536"),
        ({"instances": "all"}, "instances must be a JSON list of phones"),
        ({"instances": [EXAMPLE], "inputs": [EXAMPLE]}, "a list of phones; there are instances and inputs"),
        ({}, "one of instances, inputs: a list of phones"),
        ([EXAMPLE], "must be a JSON object with one of instances, inputs"),
    ],
)
def test_what_is_wrong_is_told(service: httpx.Client, verb: str, body: object, words: str) -> None:
    assert words in refusal(service.post(f"{MODEL}:{verb}", json=body))


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b'{"instances": ' + b"[" * 100_000])
def test_what_is_no_json_is_refused(service: httpx.Client, content: bytes) -> None:
    assert refusal(service.post(f"{MODEL}:predict", content=content))


def test_too_many_are_refused(service: httpx.Client) -> None:
    many = {"instances": [ROWS[0]] * 10_001}
    assert "at most 10000 in one call" in refusal(service.post(f"{MODEL}:predict", json=many))
    assert "at most 16 in one call" in refusal(
        service.post(f"{MODEL}:explain", json={"instances": [ROWS[0]] * 17})
    )


def test_many_broken_rows_are_told_by_the_first_few(service: httpx.Client) -> None:
    answer = service.post(f"{MODEL}:predict", json={"instances": [ROWS[0], *[[0] * len(FEATURES)] * 5_000]})
    assert "instances[1].battery_power" in refusal(answer)
    assert len(answer.content) < 8 * 1024


def test_the_model_is_named_and_ready(service: httpx.Client) -> None:
    assert service.get("/v1/models").json() == {"models": ["phone-price"]}
    assert service.get(MODEL).json() == {"name": "phone-price", "ready": True}
    for method, path in (
        ("GET", "/v1/models/x"),
        ("POST", "/v1/models/x:predict"),
        ("POST", "/v1/models/x:explain"),
    ):
        answer = service.request(method, path, json={"instances": ROWS} if method == "POST" else None)
        assert "this service has phone-price" in refusal(answer, 404)
