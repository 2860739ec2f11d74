"""The interface's description is complete and true."""

import re
import tomllib
from typing import Any

import httpx
import pytest

from contract.phone import FEATURES, SPECIFICATIONS
from tests.running_service import PROJECT


@pytest.fixture(scope="module")
def openapi(service: httpx.Client) -> dict[str, Any]:
    return dict(service.get("/openapi.json").json())


def references(node: object) -> set[str]:
    if isinstance(node, dict):
        own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
        return own.union(*map(references, node.values()))
    if isinstance(node, list):
        return set().union(*map(references, node))
    return set()


DIALECTS = {"Open Inference Protocol", "KServe V1", "MLflow and SageMaker", "Vertex AI"}


def described(openapi: dict[str, Any], *, of_dialects: bool) -> set[tuple[str, str]]:
    return {
        (method.upper(), path)
        for path, item in openapi["paths"].items()
        for method, operation in item.items()
        if (not DIALECTS.isdisjoint(operation["tags"])) == of_dialects
    }


def test_every_endpoint_is_described(openapi: dict[str, Any]) -> None:
    assert described(openapi, of_dialects=False) == {
        ("POST", "/predict"),
        ("POST", "/predict/batch"),
        ("POST", "/explain"),
        ("POST", "/what-if"),
        ("GET", "/"),
        ("GET", "/health"),
        ("GET", "/health/live"),
        ("GET", "/health/ready"),
        ("GET", "/model-info"),
        ("GET", "/model-card"),
        ("GET", "/metrics"),
    }


def test_every_endpoint_of_other_platforms_is_described(openapi: dict[str, Any]) -> None:
    model, vertex = "/v2/models/{model}", "/v1/endpoints/{endpoint}/deployedModels/{deployed_model}"
    each = [
        (method, f"{name}{call}")
        for name in (model, model + "/versions/{version}")
        for method, call in (
            ("GET", ""),
            ("GET", "/ready"),
            ("GET", "/config"),
            ("GET", "/stats"),
            ("POST", "/infer"),
        )
    ]
    assert described(openapi, of_dialects=True) == {
        *each,
        ("GET", "/v2"),
        ("GET", "/v2/health/live"),
        ("GET", "/v2/health/ready"),
        ("GET", "/v2/models"),
        ("GET", "/v2/models/stats"),
        ("POST", "/v2/repository/index"),
        ("POST", "/v2/repository/models/{model}/load"),
        ("POST", "/v2/repository/models/{model}/unload"),
        ("GET", "/v1/models"),
        ("GET", "/v1/models/{model}"),
        ("POST", "/v1/models/{model}:predict"),
        ("POST", "/v1/models/{model}:explain"),
        ("GET", "/ping"),
        ("GET", "/version"),
        ("GET", "/execution-parameters"),
        ("POST", "/invocations"),
        ("GET", vertex),
        ("POST", f"{vertex}:predict"),
    }


def test_every_variable_of_a_path_is_described(openapi: dict[str, Any]) -> None:
    for path, item in openapi["paths"].items():
        for operation in item.values():
            named = [each["name"] for each in operation["parameters"] if each["in"] == "path"]
            assert named == re.findall(r"{(\w+)}", path)
            assert "422" not in operation["responses"] or "{" not in path


def test_every_reference_leads_somewhere(openapi: dict[str, Any]) -> None:
    for reference in references(openapi):
        node: Any = openapi
        for step in reference.removeprefix("#/").split("/"):
            node = node[step]
        assert node


def test_the_phone_is_described_with_units_and_bounds(openapi: dict[str, Any]) -> None:
    schema = openapi["components"]["schemas"]["Phone"]
    assert schema["required"] == list(FEATURES)
    assert schema["additionalProperties"] is False
    for name, described in schema["properties"].items():
        spec = SPECIFICATIONS[name]
        assert (described["unit"], described["minimum"], described["maximum"]) == (
            spec.unit,
            spec.low,
            spec.high,
        )


def test_the_examples_are_accepted_and_without_warnings(
    openapi: dict[str, Any], service: httpx.Client
) -> None:
    single = openapi["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]
    examples = [example["value"] for example in single["examples"].values()]
    assert examples
    for example in examples:
        answer = service.post("/predict", json=example)
        assert answer.status_code == 200
        assert answer.json()["warnings"] == []


def test_the_examples_of_a_batch_are_accepted(openapi: dict[str, Any], service: httpx.Client) -> None:
    content = openapi["paths"]["/predict/batch"]["post"]["requestBody"]["content"]
    phones = content["application/json"]["schema"]["properties"]["phones"]["examples"]
    assert phones
    for example in phones:
        assert service.post("/predict/batch", json={"phones": example}).status_code == 200
    table = content["text/csv"]["example"]
    answer = service.post("/predict/batch", content=table, headers={"Content-Type": "text/csv"})
    assert len(answer.json()["predictions"]) == 1


@pytest.mark.parametrize("status", ["400", "413", "415", "422", "503"])
@pytest.mark.parametrize("path", ["/predict", "/predict/batch"])
def test_refusals_are_described_as_they_are(openapi: dict[str, Any], path: str, status: str) -> None:
    described = openapi["paths"][path]["post"]["responses"][status]["content"]["application/json"]["schema"]
    assert described == {"$ref": "#/components/schemas/ErrorBody"}


def test_the_version_is_that_of_the_project(openapi: dict[str, Any]) -> None:
    with (PROJECT / "pyproject.toml").open("rb") as file:
        assert openapi["info"]["version"] == tomllib.load(file)["project"]["version"]


def test_the_documentation_page_is_there(service: httpx.Client) -> None:
    assert "Phone price" in service.get("/docs").text
