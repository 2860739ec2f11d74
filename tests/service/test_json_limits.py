"""JSON of which a parser would make far more than phones need is refused before it is parsed."""

import json
from typing import Any

import httpx
import pytest

from contract.phone import EXAMPLE
from service.json_limits import MAX_PHONE_BYTES
from service.media_type import JSON, NDJSON

LISTS = "[" + ",".join(["[[]]"] * 200_000) + "]"
ZEROS = "[" + ",".join(["0"] * 600_000) + "]"
KEYS = "{" + ",".join(f'"k{number:x}":0' for number in range(510_000)) + "}"
PHONE = json.dumps(EXAMPLE)

V2 = "/v2/models/phone-price/infer"
V1 = "/v1/models/phone-price"


def post(service: httpx.Client, path: str, body: str, kind: str = JSON) -> httpx.Response:
    return service.post(path, content=body.encode(), headers={"Content-Type": kind})


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/predict", LISTS),
        ("/predict", f'{{"ram":{LISTS}}}'),
        ("/predict", KEYS),
        ("/predict", PHONE + " " * MAX_PHONE_BYTES),
        ("/explain", LISTS),
        ("/what-if", LISTS),
        (f"{V1}:explain", f'{{"instances":{LISTS}}}'),
        ("/v2/repository/index", f'{{"a":{LISTS}}}'),
        ("/v2/repository/models/phone-price/load", f'{{"parameters":{{"a":{LISTS}}}}}'),
    ],
)
def test_a_body_of_one_phone_has_64_kib_at_most(service: httpx.Client, path: str, body: str) -> None:
    answer = post(service, path, body)
    assert answer.status_code == 413
    assert str(MAX_PHONE_BYTES) in answer.text


@pytest.mark.parametrize("values", [LISTS, ZEROS, KEYS], ids=["lists", "zeros", "keys"])
@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        ("/predict/batch", '{"x":', f',"phones":[{PHONE}]}}'),
        ("/predict/batch", '{"phones":[{"ram":', "}]}"),
        (f"{V1}:predict", '{"instances":[', "]}"),
        (f"{V1}:predict", f'{{"instances":[{PHONE}],"x":', "}"),
        (V2, '{"inputs":[],"parameters":{"a":', "}}"),
        ("/invocations", '{"dataframe_split":{"columns":["ram"],"data":[', "]}}"),
        ("/invocations", '{"inputs":{"ram":[', "]}}"),
        ("/invocations", "[", "]"),
    ],
)
def test_more_values_than_phones_need_are_refused(
    service: httpx.Client, path: str, before: str, after: str, values: str
) -> None:
    answer = post(service, path, before + values + after)
    assert answer.status_code in (400, 422)
    assert "far more than 10000 phones need" in answer.text


def test_bytes_of_tensors_are_no_json(service: httpx.Client) -> None:
    asked = {"inputs": [{"name": "phones", "shape": [1, 20], "datatype": "FP32"}]}
    head = json.dumps(asked).encode()
    headers = {"Inference-Header-Content-Length": str(len(head))}
    answer = service.post(V2, content=head + b"," * 600_000, headers=headers)
    assert answer.status_code == 400
    assert "commas" not in answer.text


@pytest.mark.parametrize(
    ("path", "kind", "body"),
    [
        ("/predict/batch", JSON, '{"phones":[{"ram":%s}]}'),
        ("/predict/batch", NDJSON, '{"ram":%s}\n'),
        (f"{V1}:predict", JSON, '{"instances":[{"ram":%s}]}'),
        (f"{V1}:predict", JSON, '{"instances":[%s]}'),
        ("/invocations", "application/jsonlines", '{"ram":%s}\n'),
    ],
)
def test_a_phone_that_needs_a_second_look_has_64_kib_at_most(
    service: httpx.Client, path: str, kind: str, body: str
) -> None:
    answer = post(service, path, body % ("[" + ",".join(["[]"] * 30_000) + "]"), kind)
    assert answer.status_code in (400, 422)
    assert "over 64 KiB" in answer.text


def phones(fields: int) -> list[dict[str, Any]]:
    return [{**EXAMPLE, **{f"f{number}": number for number in range(fields)}} for _ in range(10_000)]


def test_as_many_phones_as_may_come_are_within_the_limits(service: httpx.Client) -> None:
    assert service.post("/predict/batch", json={"phones": phones(0)}).status_code == 200
    assert service.post("/invocations", json={"dataframe_records": phones(10)}).status_code == 200


@pytest.mark.parametrize(("size", "status"), [(MAX_PHONE_BYTES, 200), (MAX_PHONE_BYTES + 1, 413)])
@pytest.mark.parametrize("kind", [JSON, f"{JSON}; charset=utf-8"], ids=["fast path", "plain path"])
def test_the_limit_of_one_phone_is_that_of_both_paths(
    service: httpx.Client, kind: str, size: int, status: int
) -> None:
    assert post(service, "/predict", PHONE.ljust(size), kind).status_code == status
