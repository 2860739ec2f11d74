"""Every answer of the Open Inference Protocol V2 against a schema of the protocol's own text."""

import copy
import json
from collections.abc import Callable
from math import prod
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs
import numpy as np
import pytest

from contract.bundle import current_version
from contract.phone import FEATURES
from service.app import create_app
from service.settings import Settings
from tests.in_process import ask
from tests.running_service import ARTIFACTS
from tests.service.protocols.phones import PHONES, ROWS

SCHEMA = json.loads(Path(__file__).with_name("open_inference.schema.json").read_text())

MODEL = "/v2/models/phone-price"
VERSION = f"{MODEL}/versions/{current_version(ARTIFACTS)}"
LENGTH = "Inference-Header-Content-Length"


def validate(what: str, answer: Any) -> None:
    """Raise `ValidationError` if an answer is not what the schema has under `$defs`."""
    jsonschema_rs.validator_for({**SCHEMA, "$ref": f"#/$defs/{what}"}).validate(answer)


def is_valid(what: str, answer: Any) -> bool:
    return jsonschema_rs.validator_for({**SCHEMA, "$ref": f"#/$defs/{what}"}).is_valid(answer)


def json_of(answer: httpx.Response, status: int = 200) -> Any:
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/json"), answer.text
    return answer.json()


def request(**fields: Any) -> dict[str, Any]:
    tensor = {"name": "phones", "shape": [len(ROWS), len(FEATURES)], "datatype": "FP64", "data": ROWS}
    return {"inputs": [tensor], **fields}


def infer(service: httpx.Client, **fields: Any) -> httpx.Response:
    return service.post(f"{MODEL}/infer", json=request(**fields))


def test_the_schema_is_one() -> None:
    jsonschema_rs.meta.validate(SCHEMA)


@pytest.mark.parametrize(
    ("path", "what"),
    [
        ("/v2", "server_metadata"),
        ("/v2/", "server_metadata"),
        ("/v2/health/live", "live"),
        ("/v2/health/ready", "ready"),
        ("/v2/models", "models"),
        ("/v2/models/stats", "statistics"),
        *[
            (f"{model}{rest}", what)
            for model in (MODEL, VERSION)
            for rest, what in (
                ("", "model_metadata"),
                ("/ready", "model_ready"),
                ("/config", "model_configuration"),
                ("/stats", "statistics"),
            )
        ],
    ],
)
def test_what_is_told_is_as_the_schema_has_it(service: httpx.Client, path: str, what: str) -> None:
    validate(what, json_of(service.get(path)))


def test_the_repository_is_as_the_schema_has_it(service: httpx.Client) -> None:
    for body in (b"", b"{}", b'{"ready": true}'):
        validate("repository_index", json_of(service.post("/v2/repository/index", content=body)))
    load = "/v2/repository/models/phone-price/load"
    validate("loaded", json_of(service.post(load)))
    validate("error", json_of(service.post(load.replace("load", "unload")), 400))


WISHES: dict[str, dict[str, Any]] = {
    "none": {},
    "an identifier": {"id": "of-mine", "parameters": {"campaign": "spring"}},
    "some outputs": {"outputs": [{"name": "label"}, {"name": "predict"}]},
    "the likeliest": {"outputs": [{"name": "predict_proba", "parameters": {"classification": 2}}]},
}


@pytest.mark.parametrize("wish", WISHES)
def test_an_inference_in_json_is_as_the_schema_has_it(service: httpx.Client, wish: str) -> None:
    answer = json_of(infer(service, **WISHES[wish]))
    validate("json_inference", answer)
    for output in answer["outputs"]:
        assert np.size(output["data"]) == prod(output["shape"])


def test_an_inference_for_one_phone_is_as_the_schema_has_it(service: httpx.Client) -> None:
    """It takes a short cut in the service."""
    tensor = {"name": "phones", "shape": [1, len(FEATURES)], "datatype": "FP32", "data": ROWS[0]}
    answer = json_of(service.post(f"{MODEL}/infer", json={"inputs": [tensor]}))
    validate("json_inference", answer)
    assert answer.keys() == json_of(infer(service)).keys()


@pytest.mark.parametrize(
    "wish",
    [
        {"parameters": {"binary_data_output": True}},
        {"outputs": [{"name": "label", "parameters": {"binary_data": True}}, {"name": "predict"}]},
        {"outputs": [{"name": "predict_proba", "parameters": {"binary_data": True, "classification": 2}}]},
    ],
    ids=["all", "some", "the likeliest"],
)
def test_the_json_before_binary_outputs_is_as_the_schema_has_it(
    service: httpx.Client, wish: dict[str, Any]
) -> None:
    answered = infer(service, **wish)
    assert (answered.status_code, answered.headers["content-type"]) == (200, "application/octet-stream")
    length = int(answered.headers[LENGTH])
    answer = json.loads(answered.content[:length])
    validate("inference", answer)
    assert not is_valid("json_inference", answer)
    parameters = [output.get("parameters", {}) for output in answer["outputs"]]
    assert sum(each.get("binary_data_size", 0) for each in parameters) == len(answered.content) - length


REFUSALS: dict[str, tuple[int, Callable[[httpx.Client], httpx.Response]]] = {
    "no JSON": (400, lambda service: service.post(f"{MODEL}/infer", content=b"{")),
    "no inputs": (400, lambda service: service.post(f"{MODEL}/infer", json={})),
    "an implausible phone": (
        400,
        lambda service: service.post(
            f"{MODEL}/infer",
            json={
                "inputs": [
                    {"name": name, "shape": [1], "datatype": "FP64", "data": [-PHONES[0][name]]}
                    for name in FEATURES
                ]
            },
        ),
    ),
    "an unknown output": (400, lambda service: infer(service, outputs=[{"name": "price"}])),
    "a header of no number": (
        400,
        lambda service: service.post(f"{MODEL}/infer", json=request(), headers={LENGTH: "x"}),
    ),
    "an unknown model": (404, lambda service: service.post("/v2/models/another/infer", json=request())),
    "an unknown version": (404, lambda service: service.get(f"{MODEL}/versions/0")),
    "an unknown path": (404, lambda service: service.get("/v2/health/well")),
    "another method": (405, lambda service: service.get(f"{MODEL}/infer")),
    "a body too large": (413, lambda service: service.post(f"{MODEL}/infer", content=b" " * 2**24)),
    "an unknown encoding": (
        415,
        lambda service: service.post(f"{MODEL}/infer", content=b"x", headers={"Content-Encoding": "br"}),
    ),
    "too little time": (
        504,
        lambda service: service.post(
            f"{MODEL}/infer",
            json={
                "parameters": {"timeout": 1},
                "inputs": [
                    {"name": "x", "shape": [9_000, 20], "datatype": "FP64", "data": ROWS[0] * 9_000},
                ],
            },
        ),
    ),
}


@pytest.mark.parametrize("refusal", REFUSALS)
def test_a_refusal_is_as_the_schema_has_it(service: httpx.Client, refusal: str) -> None:
    status, send = REFUSALS[refusal]
    validate("error", json_of(send(service), status))


@pytest.mark.parametrize("path", ["/v2/health/ready", MODEL, f"{MODEL}/ready", f"{MODEL}/stats"])
def test_what_is_told_before_the_model_is_loaded_is_as_the_schema_has_it(path: str) -> None:
    app = create_app(Settings(artifacts=ARTIFACTS))
    validate("error", json_of(ask(app, "GET", path, started=False), 503))
    validate("live", json_of(ask(app, "GET", "/v2/health/live", started=False)))


def test_whatever_is_left_out_or_of_another_kind_is_found(service: httpx.Client) -> None:
    """The control of all above: each answer with one field gone or turned into an object is refused."""
    answers = {
        "server_metadata": json_of(service.get("/v2")),
        "live": json_of(service.get("/v2/health/live")),
        "ready": json_of(service.get("/v2/health/ready")),
        "models": json_of(service.get("/v2/models")),
        "model_metadata": json_of(service.get(MODEL)),
        "model_ready": json_of(service.get(f"{MODEL}/ready")),
        "statistics": json_of(service.get(f"{MODEL}/stats")),
        "error": json_of(service.get("/v2/models/another"), 404),
    }
    for what, answer in answers.items():
        for name in answer:
            assert not is_valid(what, {**answer, name: {"of": "another kind"}}), (what, name)
            if name != "details":
                rest = {other: value for other, value in answer.items() if other != name}
                assert not is_valid(what, rest), (what, name)
        assert not is_valid(what, {**answer, "something": "more"}), what
    configuration = json_of(service.get(f"{MODEL}/config"))
    for name in ("name", "max_batch_size", "input", "output"):
        assert not is_valid("model_configuration", {**configuration, name: None})


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["model_name"], None),
        (["id"], None),
        (["outputs"], []),
        (["outputs", 0, "datatype"], "int64"),
        (["outputs", 0, "shape"], [-1]),
        (["outputs", 0, "data"], [0.5]),
        (["outputs", 0, "data"], ["0"]),
        (["outputs", 0, "data"], [True]),
        (["outputs", 1, "data"], [[None]]),
        (["outputs", 2, "data"], [1]),
        (["outputs", 0, "parameters"], {"binary_data_size": 8}),
        (["outputs", 0, "class"], "low"),
    ],
    ids=json.dumps,
)
def test_an_inference_that_is_none_is_found(service: httpx.Client, path: list[Any], value: Any) -> None:
    answer = json_of(infer(service, id="of-mine"))
    validate("json_inference", answer)
    changed = part = copy.deepcopy(answer)
    *way, last = path
    for step in way:
        part = part[step]
    part[last] = value
    assert not is_valid("inference", changed)
