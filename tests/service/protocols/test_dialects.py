"""Whoever refuses a request, it is said in the dialect of its path; and a dialect may be off."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from socket import create_connection
from typing import Any

import httpx
import pytest

from contract.phone import EXAMPLE, FEATURES
from contract.violation import Violation
from service.app import create_app
from service.predictor import Predictor
from service.protocols import Protocol
from service.protocols.dialect import Dialects
from service.settings import Settings
from tests.in_process import ask
from tests.running_service import ARTIFACTS, running_service

ROW = list(EXAMPLE.values())
V2 = "/v2/models/phone-price/infer"
V1 = "/v1/models/phone-price:predict"
EXPLAIN = "/v1/models/phone-price:explain"
INVOCATIONS = "/invocations"
VERTEX = "/v1/endpoints/1/deployedModels/2:predict"

TENSOR = {"name": "x", "shape": [1, 20], "datatype": "FP64", "data": ROW}

POSTED: dict[str, Any] = {
    V2: {"inputs": [TENSOR]},
    V1: {"instances": [ROW]},
    EXPLAIN: {"instances": [ROW]},
    INVOCATIONS: {"instances": [ROW]},
    VERTEX: {"instances": [ROW]},
}
"""Where each dialect predicts, and a request that is right."""

MESSAGE: dict[str, Callable[[Any], str]] = {
    V2: lambda body: body["details"][0]["msg"] if body.keys() == {"error", "details"} else "",
    V1: lambda body: body["error"] if body.keys() == {"error"} else "",
    EXPLAIN: lambda body: body["error"] if body.keys() == {"error"} else "",
    INVOCATIONS: lambda body: body["message"] if body.keys() == {"error_code", "message"} else "",
    VERTEX: lambda body: body["error"] if body.keys() == {"error"} else "",
}
"""Reads what is wrong out of the platform's own error."""

KEY = "a-key-of-the-one-who-prices-phones-0"


def told(path: str, answer: httpx.Response) -> str:
    assert answer.headers["content-type"] == "application/json"
    assert len(answer.content) <= 8 * 1024
    return MESSAGE[path](answer.json())


@pytest.fixture(scope="module")
def guarded() -> Iterator[httpx.Client]:
    with running_service(ARTIFACTS, PHONE_PRICE_API_KEYS=KEY) as running:
        yield running.client


@pytest.mark.parametrize("path", POSTED)
def test_a_missing_key_is_told_in_the_dialect(guarded: httpx.Client, path: str) -> None:
    refused = guarded.post(path, json=POSTED[path])
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"] == "Bearer"
    assert "A key is needed" in told(path, refused)
    for headers in ({"X-API-Key": KEY}, {"Authorization": f"Bearer {KEY}"}):
        assert guarded.post(path, json=POSTED[path], headers=headers).status_code == 200


def test_every_endpoint_but_those_of_health_needs_a_key(guarded: httpx.Client) -> None:
    """All that the description has, so that a dialect that comes later is asked as well."""
    described = guarded.get("/openapi.json", headers={"X-API-Key": KEY}).json()["paths"]
    open_paths = {
        "/",
        "/health",
        "/health/live",
        "/health/ready",
        "/ping",
        "/v2/health/live",
        "/v2/health/ready",
    }
    assert open_paths <= described.keys()
    for path, operations in described.items():
        for method in operations:
            asked = path.replace("{model}", "phone-price").replace("{version}", "1")
            answer = guarded.request(method, asked)
            assert (answer.status_code == 401) == (path not in open_paths), (method, path)
    assert guarded.get("/v2/nowhere").status_code == 401


@pytest.mark.parametrize("path", POSTED)
def test_another_method_is_told_in_the_dialect(service: httpx.Client, path: str) -> None:
    refused = service.delete(path)
    assert refused.status_code == 405
    assert "POST" in refused.headers["allow"]
    assert told(path, refused) == "Not by DELETE: this path is asked by POST"
    assert service.get(path).status_code == 405


@pytest.mark.parametrize("path", POSTED)
def test_a_body_that_is_too_large_is_told_in_the_dialect(service: httpx.Client, path: str) -> None:
    refused = service.post(path, content=b" " * (8 * 2**20 + 1), headers={"Content-Type": "application/json"})
    assert refused.status_code == 413
    assert "send at most 8388608 bytes" in told(path, refused)


@pytest.mark.parametrize("path", POSTED)
def test_a_deadline_is_told_in_the_dialect(service: httpx.Client, path: str) -> None:
    refused = service.post(path, json=POSTED[path], headers={"X-Request-Timeout": "never"})
    assert refused.status_code == 400
    assert "X-Request-Timeout is in milliseconds" in told(path, refused)


@pytest.mark.parametrize("path", [V1, EXPLAIN, VERTEX])
def test_a_packed_body_is_refused_where_nobody_unpacks_it(service: httpx.Client, path: str) -> None:
    refused = service.post(path, content=b"x", headers={"Content-Encoding": "gzip"})
    assert refused.status_code == 415
    assert "send it without Content-Encoding" in told(path, refused)
    assert refused.headers["accept-encoding"] == "identity"


NOTHING = "There is nothing at this path: GET /docs lists what there is"


def test_an_unknown_path_among_a_dialects_is_told_in_it(service: httpx.Client) -> None:
    assert NOTHING in told(V2, service.get("/v2/nowhere"))
    assert NOTHING in told(V1, service.get("/v1/models/a/b"))
    assert "There is no such model" in told(V2, service.get("/v2/models/a%0Ab"))
    assert "There is no such model" in told(V1, service.get("/v1/models/a%0Ab"))
    assert NOTHING in service.get("/v3").json()["detail"][0]["msg"]
    assert NOTHING in service.get("/v22").json()["detail"][0]["msg"]


@pytest.mark.parametrize("path", [V2, V1, INVOCATIONS, VERTEX])
def test_a_mistake_of_the_service_is_a_500_that_tells_nothing_in_the_dialect(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ValueError("/secret/path")

    monkeypatch.setattr(Predictor, "predict", fail)
    response = ask(create_app(Settings(artifacts=ARTIFACTS)), "POST", path, json=POSTED[path])
    assert response.status_code == 500
    assert told(path, response) == "The service failed; its log says why"
    assert "secret" not in response.text


@pytest.mark.parametrize("path", POSTED)
def test_before_the_model_is_loaded_a_dialect_says_so(path: str) -> None:
    response = ask(create_app(Settings(artifacts=ARTIFACTS)), "POST", path, started=False, json=POSTED[path])
    assert response.status_code == 503
    assert told(path, response) == "No model is loaded; try again soon"


@pytest.mark.parametrize("path", POSTED)
def test_what_is_too_much_is_told_in_the_dialect_and_health_is_not(path: str) -> None:
    head = (
        b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 400\r\n\r\n{"
    )
    with running_service(ARTIFACTS, PHONE_PRICE_MAX_REQUESTS="1") as running, ExitStack() as stack:
        port = running.client.base_url.port
        slow = stack.enter_context(create_connection(("127.0.0.1", port), timeout=10))
        slow.sendall(head)
        time.sleep(0.2)  # what is asked next is under way, too, and this one is to be before it
        assert "phone_price_in_flight 1.0" in running.client.get("/metrics").text
        refused = running.client.post(path, json=POSTED[path])
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        assert "Too much to do at once" in told(path, refused)
        for health in ("/v2/health/live", "/v2/health/ready", "/ping"):
            fresh = httpx.get(running.client.base_url.join(health))
            assert fresh.status_code == 200, health


@pytest.mark.parametrize("path", POSTED)
def test_what_is_large_counts_as_a_table_and_a_phone_does_not(path: str) -> None:
    head = f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: 70000\r\n\r\n {{"
    with running_service(ARTIFACTS, PHONE_PRICE_MAX_TABLES="1") as running, ExitStack() as stack:
        port = running.client.base_url.port
        slow = stack.enter_context(create_connection(("127.0.0.1", port), timeout=10))
        slow.sendall(head.encode())
        time.sleep(0.2)
        large = json.dumps(POSTED[path]).encode().ljust(70_000)
        sent: list[dict[str, Any]] = [
            {"content": large},
            {"content": iter([b"{}"])},  # nobody knows how much will come
            {"content": b"{}", "headers": {"Content-Encoding": "gzip"}},
        ]
        for request in sent:
            refused = running.client.post(path, **request)
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
            assert "Too much to do at once" in told(path, refused)
        assert running.client.post(path, json=POSTED[path]).status_code == 200
        slow.close()
        time.sleep(0.2)
        # of the few phones that are explained there are 64 KiB at most
        status = 413 if path.endswith(":explain") else 200
        assert running.client.post(path, content=large).status_code == status


@pytest.mark.parametrize("chosen", [*Protocol, ""])
def test_a_dialect_is_spoken_only_if_the_settings_name_it(chosen: str) -> None:
    app = create_app(Settings(artifacts=ARTIFACTS, protocols=chosen))
    owners = {V2: "open_inference", V1: "kserve_v1", INVOCATIONS: "invocations", VERTEX: "vertex"}
    for path, owner in owners.items():
        status = ask(app, "POST", path, json=POSTED[path]).status_code
        assert status == (200 if owner == chosen else 404), path
    assert ask(app, "POST", "/predict", json=EXAMPLE).status_code == 200
    tags = {tag for item in app.openapi()["paths"].values() for each in item.values() for tag in each["tags"]}
    dialects = {"Open Inference Protocol", "KServe V1", "MLflow and SageMaker", "Vertex AI"}
    assert len(tags & dialects) == bool(chosen)


def test_a_dialect_that_there_is_not_is_refused() -> None:
    with pytest.raises(ValueError, match="there is open_inference, kserve_v1, invocations, vertex"):
        Settings(protocols="open_inference grpc")


@pytest.mark.parametrize("name", ["", "a/b", "a b", "x" * 64])
def test_a_model_name_that_no_path_can_have_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="model_name"):
        Settings(model_name=name)


def test_the_model_may_have_another_name() -> None:
    app = create_app(Settings(artifacts=ARTIFACTS, model_name="phones.v2"))
    for path in (V1, V2):
        assert ask(app, "POST", path, json=POSTED[path]).status_code == 404
        renamed = ask(app, "POST", path.replace("phone-price", "phones.v2"), json=POSTED[path])
        assert renamed.status_code == 200
    assert renamed.json()["model_name"] == "phones.v2"


@pytest.mark.parametrize("protocol", Protocol)
def test_refusals_stay_small_and_ascii_whatever_is_wrong(protocol: Protocol) -> None:
    (dialect,) = Dialects(Settings(protocols=protocol)).all
    wrong = [Violation("kind", ("body", "\u20ac" * 500, n), "\ud800\u20ac" * 500) for n in range(5_000)]
    response = dialect.refuse(422, wrong, {"Retry-After": "3"})
    body = bytes(response.body)
    assert (response.status_code, response.headers["retry-after"]) == (400, "3")
    assert len(body) <= 8 * 1024
    assert json.loads(body.decode("ascii"))


def test_every_dialects_predictions_are_counted_and_their_routes_named(service: httpx.Client) -> None:
    def counted() -> float:
        lines = service.get("/metrics").text.splitlines()
        return sum(
            float(line.split()[-1]) for line in lines if line.startswith("phone_price_predictions_total")
        )

    before = counted()
    for path in (V2, V1, INVOCATIONS, VERTEX):
        assert service.post(path, json=POSTED[path]).status_code == 200
    assert counted() - before == 4
    metrics = service.get("/metrics").text
    for route in (
        "/v2/models/{model}/infer",
        "/v1/models/{model}:predict",
        INVOCATIONS,
        "/v1/endpoints/{endpoint}/deployedModels/{deployed_model}:predict",
    ):
        assert f'route="{route}",status="200"' in metrics


def test_the_examples_of_every_dialect_are_accepted(service: httpx.Client) -> None:
    described = service.get("/openapi.json").json()["paths"]
    seen = 0
    for path, operations in described.items():
        asked = (
            path.replace("{model}", "phone-price").replace("{endpoint}", "1").replace("{deployed_model}", "2")
        )
        for method, operation in operations.items():
            for kind, content in operation.get("requestBody", {}).get("content", {}).items():
                if "example" in content and "{" not in asked and kind == "application/json":
                    assert service.request(method, asked, json=content["example"]).status_code == 200, path
                    seen += 1
    assert seen >= 5
    assert len(FEATURES) == 20
