"""`make test-clients`: one test per client, whose single tests are reported one by one."""

import csv
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import httpx
import pytest

from contract.phone import EXAMPLE, FEATURES, SPECIFICATIONS
from tests.clients.given import Given
from tests.clients.inner_run import run_inside
from tests.running_service import ARTIFACTS, PROJECT, free_port, running_service, wait_until_ready

pytestmark = pytest.mark.clients

KEY = "only-the-tests-of-the-clients-know-this-key"

CORNERS: list[dict[str, float]] = [
    EXAMPLE,
    {**EXAMPLE, "clock_speed": 1.8, "m_dep": 0.1},
    {**EXAMPLE, "clock_speed": 2.3, "m_dep": 0.30000000000000004},
    {**EXAMPLE, "ram": 8_192},
    {**EXAMPLE, "px_height": 0, "sc_w": 0, "fc": 0, "pc": 0},
    {name: each.low for name, each in SPECIFICATIONS.items()},
    {name: each.high for name, each in SPECIFICATIONS.items()},
]
"""Digits that float32 has not, what the model was not trained on, and the ends of what is plausible."""


def make_phones() -> list[dict[str, float]]:
    """Fifty phones: corners, rows of the sample as they are, and rows without decimals."""
    with (PROJECT / "data/sample.csv").open() as file:
        sample = [{name: float(row[name]) for name in FEATURES} for row in islice(csv.DictReader(file), 43)]
    whole = [{**phone, "clock_speed": 1.0 + number % 2, "m_dep": 1.0} for number, phone in enumerate(sample)]
    return [*CORNERS, *sample[:33], *whole[33:]]


PHONES = make_phones()


def predict(service: httpx.Client, phone: dict[str, float]) -> dict[str, Any]:
    answer: dict[str, Any] = service.post("/predict", json=phone).raise_for_status().json()
    del answer["model_version"]
    return answer


@pytest.fixture(scope="module")
def expected(service: httpx.Client) -> Given:
    """A service, and what its own interface answers."""
    information = service.get("/model-info").raise_for_status().json()
    answers = [predict(service, phone) for phone in PHONES]
    assert {answer["price_range"] for answer in answers} == {0, 1, 2, 3}
    assert any(answer["warnings"] for answer in answers)
    return Given(
        url=str(service.base_url).rstrip("/"),
        model="phone-price",
        version=information["model_version"],
        features=list(FEATURES),
        phones=PHONES,
        answers=answers,
        explained=service.post("/explain", json=PHONES[0]).raise_for_status().json(),
    )


@pytest.fixture(scope="module")
def locked() -> Iterator[str]:
    """The address of a service that wants a key."""
    with running_service(ARTIFACTS, PHONE_PRICE_API_KEYS=KEY) as running:
        yield str(running.client.base_url).rstrip("/")


@pytest.fixture(scope="module", autouse=True)
def uncompiled() -> Iterator[None]:
    """Environments in half the time: pip compiles no module that nobody imports. Its 0 means --no-compile."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PIP_NO_COMPILE", "0")
        yield


def report(client: str, given: Given, folder: Path, subtests: pytest.Subtests) -> None:
    """Run a client's tests, and report each as one of ours."""
    given.write(folder / "given.json")
    for outcome in run_inside(client, folder / "given.json", folder / "report.xml"):
        with subtests.test(outcome.name):
            if outcome.trouble:
                pytest.fail(outcome.trouble, pytrace=False)


@pytest.mark.parametrize("client", ["kserve", "mlflow", "mlserver", "tritonclient"])
def test_a_client_gets_what_predict_answers(
    client: str, expected: Given, locked: str, tmp_path: Path, subtests: pytest.Subtests
) -> None:
    report(client, replace(expected, locked_url=locked, key=KEY), tmp_path, subtests)


@contextmanager
def started_by_a_platform(port: str, **environment: str) -> Iterator[str]:
    """Start a service that is told where to listen by its platform, in the variable that `port` names."""
    number = str(free_port())
    command = [sys.executable, "-m", "service", "serve"]
    process = subprocess.Popen(command, cwd=PROJECT, env=os.environ | environment | {port: number})
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{number}") as client:
            wait_until_ready(client, process)
        yield number
    finally:
        process.terminate()
        process.wait(timeout=30)


def test_sagemakers_bodies_get_what_predict_answers(
    expected: Given, tmp_path: Path, subtests: pytest.Subtests
) -> None:
    told = {"SAGEMAKER_BATCH": "true", "SAGEMAKER_BATCH_STRATEGY": "MULTI_RECORD"}
    with started_by_a_platform("SAGEMAKER_BIND_TO_PORT", **told) as port:
        report("sagemaker", replace(expected, url=f"http://127.0.0.1:{port}"), tmp_path, subtests)


DEPLOYED_MODEL = "/v1/endpoints/12/deployedModels/34"


def test_vertex_gets_what_predict_answers(expected: Given, tmp_path: Path, subtests: pytest.Subtests) -> None:
    """At the routes of its LocalEndpoint, which are those of our own interface, at others, and at its own."""
    told = {"AIP_STORAGE_URI": "", "AIP_MODE": "PREDICTION", "AIP_FRAMEWORK": "CUSTOM_CONTAINER"}
    endpoints = []
    with ExitStack() as stack:
        for predict, health in (("/predict", "/health"), ("/score", "/alive")):
            routes = {"AIP_PREDICT_ROUTE": predict, "AIP_HEALTH_ROUTE": health}
            port = stack.enter_context(started_by_a_platform("AIP_HTTP_PORT", **told, **routes))
            endpoints.append((port, predict, health))
        port = stack.enter_context(started_by_a_platform("AIP_HTTP_PORT", **told))
        endpoints.append((port, f"{DEPLOYED_MODEL}:predict", DEPLOYED_MODEL))
        report("vertex", replace(expected, endpoints=endpoints), tmp_path, subtests)
