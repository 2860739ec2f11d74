"""Vertex AI's SDK for containers of one's own: https://github.com/googleapis/python-aiplatform.

Its LocalEndpoint starts a container by Docker and asks it; here the service runs already, and the endpoint is
told so.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from google.cloud.aiplatform.prediction import LocalEndpoint
from google.protobuf import json_format, struct_pb2

from tests.clients.given import Given, assert_answers_are


@pytest.fixture(params=[0, 1, 2], ids=["by its own routes", "by other routes", "by Vertex AI's routes"])
def endpoint(request: pytest.FixtureRequest, given: Given) -> Any:
    """Services that were told different routes, in the order of the outer run."""
    port, predict_route, health_route = given.endpoints[request.param]
    endpoint = LocalEndpoint(
        "phone-price",
        serving_container_predict_route=predict_route,
        serving_container_health_route=health_route,
        host_port=port,
    )
    endpoint.container_is_running = True
    return endpoint


def test_the_container_is_healthy(endpoint: Any) -> None:
    assert endpoint.run_health_check().status_code == 200


def test_the_body_goes_without_a_content_type(endpoint: Any, given: Given) -> None:
    """So that the tests below show that none is needed."""
    response = endpoint.predict(request=json.dumps({"instances": given.rows}))
    assert "content-type" not in response.request.headers


@pytest.mark.parametrize("named", [True, False], ids=["by name", "in order"])
def test_instances_get_what_predict_answers(endpoint: Any, given: Given, named: bool) -> None:
    instances = given.phones if named else given.rows
    response = endpoint.predict(request=json.dumps({"instances": instances}))
    assert response.status_code == 200
    assert response.json().keys() == {"predictions"}
    assert_answers_are(given.answers, response.json()["predictions"])


def test_each_instance_alone_gets_what_predict_answers(endpoint: Any, given: Given) -> None:
    for phone, answer in zip(given.phones, given.answers, strict=True):
        response = endpoint.predict(request=json.dumps({"instances": [phone]}))
        assert_answers_are([answer], response.json()["predictions"])


@pytest.mark.parametrize("kind", ["application/json", "application/json; charset=utf-8", "text/plain"])
def test_any_content_type_does(endpoint: Any, given: Given, kind: str) -> None:
    response = endpoint.predict(request=json.dumps({"instances": given.rows}), headers={"Content-Type": kind})
    assert_answers_are(given.answers, response.json()["predictions"])


def test_a_file_of_instances_gets_what_predict_answers(endpoint: Any, given: Given, tmp_path: Path) -> None:
    file = tmp_path / "instances.json"
    file.write_text(json.dumps({"instances": given.phones}, indent=2))
    response = endpoint.predict(request_file=str(file))
    assert_answers_are(given.answers, response.json()["predictions"])


@pytest.mark.parametrize("named", [True, False], ids=["by name", "in order"])
def test_what_the_platform_makes_of_a_request_gets_what_predict_answers(
    endpoint: Any, given: Given, named: bool
) -> None:
    """It keeps all numbers as floats, and adds what the model has no use for."""
    asked = {"instances": given.phones if named else given.rows, "deployedModelId": "34"}
    kept = json_format.MessageToJson(json_format.ParseDict(asked, struct_pb2.Struct()))
    assert_answers_are(given.answers, endpoint.predict(request=kept).json()["predictions"])


@pytest.mark.parametrize("parameters", [None, {}, {"campaign": "spring"}])
def test_parameters_beside_the_instances_change_nothing(
    endpoint: Any, given: Given, parameters: dict[str, str] | None
) -> None:
    """The SDK's endpoints send null where there are none."""
    request = json.dumps({"instances": given.rows, "parameters": parameters})
    assert_answers_are(given.answers, endpoint.predict(request=request).json()["predictions"])


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (
            lambda given: {"instances": [*given.phones[:3], {**given.phones[3], "ram": 70_000}]},
            "instances[3].ram",
        ),
        (lambda given: {"instances": [*given.rows[:3], given.rows[3][:19]]}, "19 numbers; send 20"),
        (lambda _: {"instances": []}, "send at least one"),
        (lambda given: {"rows": given.rows}, "instances"),
        (lambda given: given.rows, "object"),
    ],
    ids=["implausible", "too few", "none", "another field", "no object"],
)
def test_what_are_no_instances_is_refused_in_words(
    endpoint: Any, given: Given, make: Any, words: str
) -> None:
    response = endpoint.predict(request=json.dumps(make(given)))
    assert response.status_code == 400
    assert words in response.json()["error"]
