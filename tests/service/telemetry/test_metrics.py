"""What Prometheus reads grows by what has been asked, and by nothing else."""

import asyncio
import json
import socket
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from typing import TypeAlias

import httpx
import pytest
from fastapi import FastAPI
from prometheus_client import CONTENT_TYPE_LATEST
from prometheus_client.parser import text_string_to_metric_families

from contract.bundle import current_version
from contract.errors import EngineError
from contract.phone import EXAMPLE, FEATURES
from service.app import create_app
from service.engine.onnx import OnnxEngine
from service.prediction import LABELS
from service.settings import Settings
from tests.asgi import BODY, Request, answer
from tests.running_service import ARTIFACTS, running_service

JSON = {"Content-Type": "application/json"}
BY_THE_PLAIN_PATH = {"Content-Type": "application/json; charset=utf-8"}

Samples: TypeAlias = dict[tuple[str, ...], float]
"""The value of each sample, by its name and the values of its labels, in the order of the labels' names."""


def samples(text: str) -> Samples:
    families = text_string_to_metric_families(text)
    found = (sample for family in families for sample in family.samples)
    return {(each.name, *(each.labels[name] for name in sorted(each.labels))): each.value for each in found}


def scrape(client: httpx.Client) -> Samples:
    return samples(client.get("/metrics").text)


def growth(before: Samples, after: Samples) -> Samples:
    """What has changed, and by how much."""
    grown = {key: value - before.get(key, 0) for key, value in after.items()}
    return {key: value for key, value in grown.items() if value}


def named(found: Samples, name: str) -> Samples:
    """The samples of this name, by the values of their labels alone."""
    return {key[1:]: value for key, value in found.items() if key[0] == name}


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    """A client of a real process that nobody else asks."""
    with running_service(ARTIFACTS) as running:
        yield running.client


def post(client: httpx.Client, headers: dict[str, str] = JSON, **specifications: object) -> httpx.Response:
    body = json.dumps({**EXAMPLE, **specifications})
    return client.post("/predict", content=body, headers=headers)


def test_it_is_the_text_that_prometheus_reads(client: httpx.Client) -> None:
    response = client.get("/metrics")
    assert response.status_code == 200
    assert response.headers["content-type"] == CONTENT_TYPE_LATEST
    assert samples(response.text)


def test_requests_are_counted_by_route_and_status(client: httpx.Client) -> None:
    before = scrape(client)
    for _ in range(3):
        post(client)
    post(client, BY_THE_PLAIN_PATH)
    post(client, ram=-1)
    post(client, ram="842")
    post(client, {"Content-Type": "text/plain"})
    client.get("/predict")
    client.post("/predict/batch", json={"phones": [EXAMPLE] * 5})
    client.post("/predict/batch", json={"phones": []})
    client.post("/predict", content=b" " * 9 * 2**20, headers=JSON)
    for known in ("/health", "/health/live", "/health/ready", "/model-info", "/docs", "/openapi.json"):
        client.get(known)
    assert named(growth(before, scrape(client)), "phone_price_request_seconds_count") == {
        ("/predict", "200"): 4,
        ("/predict", "422"): 2,
        ("/predict", "415"): 1,
        ("/predict", "405"): 1,
        ("/predict", "413"): 1,
        ("/predict/batch", "200"): 1,
        ("/predict/batch", "422"): 1,
        ("/health", "200"): 1,
        ("/health/live", "200"): 1,
        ("/health/ready", "200"): 1,
        ("/model-info", "200"): 1,
        ("/docs", "200"): 1,
        ("/openapi.json", "200"): 1,
        ("/metrics", "200"): 1,  # the first of the two
    }


def test_paths_that_callers_invent_make_no_samples_of_their_own(client: httpx.Client) -> None:
    client.get("/invented")
    before = scrape(client)
    for number in range(20):
        client.get(f"/invented/{number}")
        client.post(f"/predict/invented/{number}", content=BODY, headers=JSON)
        client.put(f"/model-info/{number}")
        client.get(f"/docs/{number}")
    after = scrape(client)
    assert named(growth(before, after), "phone_price_request_seconds_count") == {
        ("none", "404"): 80,
        ("/metrics", "200"): 1,
    }
    assert after.keys() == before.keys()
    assert "invented" not in client.get("/metrics").text.lower()


@pytest.mark.parametrize("headers", [JSON, BY_THE_PLAIN_PATH], ids=["fast path", "plain path"])
def test_the_seconds_of_a_request_are_measured(client: httpx.Client, headers: dict[str, str]) -> None:
    before, start = scrape(client), time.perf_counter()
    for _ in range(5):
        post(client, headers)
    elapsed = time.perf_counter() - start
    grown = growth(before, scrape(client))
    assert 5 * 20e-6 < grown["phone_price_request_seconds_sum", "/predict", "200"] < elapsed
    assert grown["phone_price_request_seconds_bucket", "10.0", "/predict", "200"] == 5


def test_predictions_are_counted_by_class_however_they_were_asked_for(client: httpx.Client) -> None:
    before = scrape(client)
    rams = range(300, 4_000, 100)
    answers = [post(client, ram=ram).json() for ram in rams]
    answers += [post(client, BY_THE_PLAIN_PATH, ram=ram).json() for ram in rams[:7]]
    batch = {"phones": [{**EXAMPLE, "ram": ram} for ram in rams[5:]]}
    answers += client.post("/predict/batch", json=batch).json()["predictions"]
    said = Counter(prediction["label"] for prediction in answers)
    assert said.keys() == set(LABELS)
    grown = named(growth(before, scrape(client)), "phone_price_predictions_total")
    assert grown == {(label,): count for label, count in said.items()}


def test_what_is_refused_is_no_prediction(client: httpx.Client) -> None:
    before = scrape(client)
    assert post(client, ram=-1).status_code == 422
    batch = {"phones": [EXAMPLE, {**EXAMPLE, "ram": -1}]}
    assert client.post("/predict/batch", json=batch).status_code == 422
    grown = growth(before, scrape(client))
    assert not named(grown, "phone_price_predictions_total")
    assert not named(grown, "phone_price_turn_batch_rows_sum")


def test_specifications_outside_the_trained_range_are_counted_by_feature(client: httpx.Client) -> None:
    before = scrape(client)
    post(client, ram=8_192, fc=50)
    post(client, BY_THE_PLAIN_PATH, ram=8_192)
    beyond, within = {**EXAMPLE, "clock_speed": 4.7}, EXAMPLE
    client.post("/predict/batch", json={"phones": [beyond, within, beyond]})
    grown = named(growth(before, scrape(client)), "phone_price_out_of_range_total")
    assert grown == {("ram",): 2, ("fc",): 1, ("clock_speed",): 2}


def test_phones_unlike_those_trained_on_are_counted_by_what_is_unusual(client: httpx.Client) -> None:
    before = scrape(client)
    post(client, four_g=1, three_g=0)
    post(client, BY_THE_PLAIN_PATH, four_g=1, three_g=0, ram=8_192)
    grown = named(growth(before, scrape(client)), "phone_price_unusual_total")
    assert grown == {("four_g>three_g",): 2, ("unlike",): 1}


def test_one_request_after_the_other_makes_turns_of_one_row(client: httpx.Client) -> None:
    before = scrape(client)
    for _ in range(3):
        post(client)
    post(client, BY_THE_PLAIN_PATH)
    client.post("/predict/batch", json={"phones": [EXAMPLE] * 5})
    grown = growth(before, scrape(client))
    for sample in ("count", "sum"):
        assert grown[f"phone_price_turn_batch_rows_{sample}",] == 3
    assert grown["phone_price_turn_batch_rows_bucket", "1.0"] == 3


def test_the_model_and_the_process_are_told(client: httpx.Client) -> None:
    found = scrape(client)
    assert named(found, "phone_price_model_info") == {("onnx", current_version(ARTIFACTS)): 1}
    assert 20 * 2**20 < found["process_resident_memory_bytes",] < 2**30
    assert found["process_cpu_seconds_total",] > 0


# in this process


async def told(app: FastAPI, requests: Sequence[Request], loaded: bool = True) -> Samples:
    """Send these requests in one turn; return what is told afterwards."""
    async with AsyncExitStack() as stack:
        state = await stack.enter_async_context(app.router.lifespan_context(app)) if loaded else {}
        await asyncio.gather(*(answer(app, request, state or {}) for request in requests))
        scraped = await answer(app, Request((), (), "GET", "/metrics"), state or {})
    assert scraped.status == 200
    return samples(scraped.body.decode())


@pytest.fixture
def app() -> FastAPI:
    return create_app(Settings(artifacts=ARTIFACTS))


def test_what_can_be_counted_is_there_before_there_is_any(app: FastAPI) -> None:
    """So that Prometheus sees the first one as a growth."""
    found = asyncio.run(told(app, []))
    assert named(found, "phone_price_predictions_total") == {(label,): 0 for label in LABELS}
    assert named(found, "phone_price_out_of_range_total") == {(name,): 0 for name in FEATURES}
    assert named(found, "phone_price_request_seconds_count") == {("/predict", "200"): 0}


def test_the_requests_of_one_turn_are_one_call_of_many_rows(app: FastAPI) -> None:
    found = asyncio.run(told(app, [Request()] * 300))
    assert found["phone_price_turn_batch_rows_count",] == 2
    assert found["phone_price_turn_batch_rows_sum",] == 300
    assert named(found, "phone_price_request_seconds_count") == {("/predict", "200"): 300}
    assert sum(named(found, "phone_price_predictions_total").values()) == 300


def test_a_failure_of_the_service_is_counted_once_and_as_no_prediction(
    app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise EngineError("no")

    monkeypatch.setattr(OnnxEngine, "predict", fail)
    monkeypatch.setattr("service.predictor.check_golden_rows", lambda *_: None)
    found = asyncio.run(told(app, [Request()] * 3))
    assert named(found, "phone_price_request_seconds_count") == {
        ("/predict", "200"): 0,
        ("/predict", "500"): 3,
    }
    assert not sum(named(found, "phone_price_predictions_total").values())


def test_a_client_that_leaves_is_no_failure_of_the_service(client: httpx.Client) -> None:
    before = scrape(client)
    head = (
        b"POST /predict/batch HTTP/1.1\r\nHost: x\r\nContent-Type: text/csv\r\nContent-Length: 9\r\n\r\nram,"
    )
    with socket.create_connection(("127.0.0.1", client.base_url.port), timeout=5) as connection:
        connection.sendall(head)
        time.sleep(0.2)
    left = ("phone_price_request_seconds_count", "/predict/batch", "499")
    deadline = time.monotonic() + 5
    while growth(before, scrape(client)).get(left) != 1:
        assert time.monotonic() < deadline


def test_without_a_model_there_are_metrics_all_the_same(app: FastAPI) -> None:
    found = asyncio.run(told(app, [Request()], loaded=False))
    assert named(found, "phone_price_request_seconds_count") == {
        ("/predict", "200"): 0,
        ("/predict", "503"): 1,
    }
