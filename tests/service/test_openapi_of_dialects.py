"""What the description says of bodies that FastAPI does not read is what the service does."""

from collections.abc import Iterator
from typing import Any, cast

import httpx
import jsonschema_rs
import pytest

from contract.phone import EXAMPLE, FEATURES
from service.settings import Settings
from tests.service.test_openapi import DIALECTS

JSON = "application/json"
V1, V1_EXPLAIN = "/v1/models/{model}:predict", "/v1/models/{model}:explain"
VERTEX = "/v1/endpoints/{endpoint}/deployedModels/{deployed_model}:predict"
INVOCATIONS = "/invocations"
INFER, INFER_VERSION = "/v2/models/{model}/infer", "/v2/models/{model}/versions/{version}/infer"

ROW = list(EXAMPLE.values())
COLUMNS = {name: [value, value] for name, value in EXAMPLE.items()}
SPLIT = {"columns": list(FEATURES), "data": [ROW]}


@pytest.fixture(scope="module")
def openapi(service: httpx.Client) -> dict[str, Any]:
    return dict(service.get("/openapi.json").json())


def asked(openapi: dict[str, Any], path: str) -> dict[str, Any]:
    """What is described of the body there."""
    return cast(dict[str, Any], openapi["paths"][path]["post"]["requestBody"]["content"])


def url(path: str, service: httpx.Client) -> str:
    """The path with this service's names in it."""
    version = service.get("/health").json()["model_version"]
    names = {"model": Settings().model_name, "version": version, "endpoint": "1", "deployed_model": "2"}
    return path.format(**names)


TAKEN: list[tuple[str, Any]] = [
    *(
        (path, {name: phones})
        for path, names in (
            (V1, ["instances", "inputs"]),
            (V1_EXPLAIN, ["instances", "inputs"]),
            (VERTEX, ["instances"]),
            (INVOCATIONS, ["instances", "inputs", "dataframe_records"]),
        )
        for name in names
        for phones in ([EXAMPLE], [ROW], [EXAMPLE, ROW])
    ),
    (VERTEX, {"instances": [ROW], "inputs": 7, "parameters": {}}),
    (V1, {"instances": [ROW], "signature_name": "predict"}),
    (INVOCATIONS, {"dataframe_split": {**SPLIT, "index": [0]}}),
    (INVOCATIONS, {"dataframe_split": {"columns": [*FEATURES, 7], "data": [[*ROW, "mine"]]}}),
    (INVOCATIONS, {"dataframe_split": SPLIT, "params": {"a": 1}, "parameters": None}),
    (INVOCATIONS, {"inputs": COLUMNS}),
    (INVOCATIONS, {"inputs": {**COLUMNS, "note": ["a", None]}}),
    (INVOCATIONS, [ROW, EXAMPLE]),
    *(
        (path, {"inputs": [{"name": "x", "shape": [1, 20], "datatype": "FP32", "data": data}]})
        for path in (INFER, INFER_VERSION)
        for data in (ROW, [ROW])
    ),
    (
        INFER,
        {
            "inputs": [
                {"name": name, "shape": [1], "datatype": "BOOL", "data": [True]}
                if name == "wifi"
                else {"name": name, "shape": [1], "datatype": "FP64", "data": [value]}
                for name, value in EXAMPLE.items()
            ]
        },
    ),
]

WRONG: list[dict[str, Any]] = [
    {},
    {"phones": [ROW]},
    {"instances": []},
    {"instances": ROW},
    {"instances": EXAMPLE},
    {"instances": [ROW[:19]]},
    {"instances": [[*ROW, 1]]},
    {"instances": [{**EXAMPLE, "ram": -1}]},
    {"instances": [{name: EXAMPLE[name] for name in FEATURES[1:]}]},
    {"instances": ["phone"]},
    {"instances": None},
]

REFUSED: list[tuple[str, Any]] = [
    *((path, body) for path in (V1, V1_EXPLAIN, VERTEX, INVOCATIONS) for body in WRONG),
    *((path, {"instances": [ROW], "inputs": [ROW]}) for path in (V1, V1_EXPLAIN, INVOCATIONS)),
    (VERTEX, {"inputs": [ROW]}),
    (INVOCATIONS, []),
    (INVOCATIONS, {"instances": [ROW], "signature_name": "predict"}),
    (INVOCATIONS, {"dataframe_split": SPLIT, "instances": [ROW]}),
    (INVOCATIONS, {"dataframe_split": {"columns": list(FEATURES)}}),
    (INVOCATIONS, {"dataframe_split": {"columns": list(FEATURES), "data": []}}),
    (INVOCATIONS, {"dataframe_split": {"columns": list(FEATURES[1:]), "data": [ROW[1:]]}}),
    (INVOCATIONS, {"inputs": {name: COLUMNS[name] for name in FEATURES[1:]}}),
    (INVOCATIONS, {"inputs": {**COLUMNS, "ram": ["lots", "more"]}}),
    (INVOCATIONS, {"inputs": {**COLUMNS, "note": "a"}}),
    (INFER, {"inputs": [{"name": "x", "shape": [1, 20], "datatype": "FP32", "data": ["a"] * 20}]}),
    (INFER, {"inputs": [{"name": "x", "shape": [1, 20], "datatype": "FP32", "data": [[ROW]]}]}),
]


def is_described(openapi: dict[str, Any], path: str, body: object) -> bool:
    schema = {**asked(openapi, path)[JSON]["schema"], "components": openapi["components"]}
    return jsonschema_rs.validator_for(schema).is_valid(body)


@pytest.mark.parametrize(("path", "body"), TAKEN)
def test_what_is_taken_is_described(
    openapi: dict[str, Any], service: httpx.Client, path: str, body: object
) -> None:
    answered = service.post(url(path, service), json=body)
    assert answered.status_code == 200, answered.text
    assert is_described(openapi, path, body)


@pytest.mark.parametrize(("path", "body"), REFUSED)
def test_what_is_described_as_wrong_is_refused(
    openapi: dict[str, Any], service: httpx.Client, path: str, body: object
) -> None:
    assert service.post(url(path, service), json=body).status_code == 400
    assert not is_described(openapi, path, body)


def test_the_examples_are_taken(openapi: dict[str, Any], service: httpx.Client) -> None:
    for path in (V1, V1_EXPLAIN, VERTEX, INVOCATIONS, INFER, INFER_VERSION):
        example = asked(openapi, path)[JSON]["example"]
        assert is_described(openapi, path, example)
        assert service.post(url(path, service), json=example).status_code == 200


def lists(node: object) -> Iterator[dict[str, Any]]:
    """The schemas of lists, wherever they are."""
    if isinstance(node, dict):
        if node.get("type") == "array":
            yield cast(dict[str, Any], node)
        for each in node.values():
            yield from lists(each)
    if isinstance(node, list):
        for each in node:
            yield from lists(each)


def test_every_list_says_what_it_holds(openapi: dict[str, Any]) -> None:
    posted = [
        operation["requestBody"]
        for item in openapi["paths"].values()
        for operation in item.values()
        if not DIALECTS.isdisjoint(operation["tags"]) and "requestBody" in operation
    ]
    found = list(lists(posted))
    assert len(found) > 10
    assert all("items" in each for each in found)


def test_every_kind_of_body_is_described_and_no_other_is_taken(
    openapi: dict[str, Any], service: httpx.Client
) -> None:
    kinds = asked(openapi, INVOCATIONS)
    assert {"application/x-ndjson", "application/jsonlines", "application/x-parquet"} < kinds.keys()
    for kind in (*kinds, "application/xml", "application/octet-stream"):
        answered = service.post(INVOCATIONS, content=b"?", headers={"Content-Type": kind})
        assert answered.status_code == (400 if kind in kinds else 415), kind


@pytest.mark.parametrize("path", [INFER, INFER_VERSION])
def test_the_headers_of_an_inference_are_described_and_sent(
    openapi: dict[str, Any], service: httpx.Client, path: str
) -> None:
    operation = openapi["paths"][path]["post"]
    in_header = [each["name"] for each in operation["parameters"] if each["in"] == "header"]
    assert in_header == ["Inference-Header-Content-Length", "Content-Encoding", "X-Request-Timeout"]
    described = operation["responses"]["200"]["headers"]
    many = {
        "inputs": [{"name": "x", "shape": [4_000, 20], "datatype": "FP32", "data": ROW * 4_000}],
        "outputs": [{"name": "predict_proba", "parameters": {"binary_data": True}}],
    }
    for encoding in described["Content-Encoding"]["schema"]["enum"]:
        answered = service.post(url(path, service), json=many, headers={"Accept-Encoding": encoding})
        assert answered.headers["content-encoding"] == encoding
        assert answered.headers["inference-header-content-length"].isdigit()
    assert "Inference-Header-Content-Length" in described
