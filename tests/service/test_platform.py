"""Where a platform's own variables are set, the service is where that platform looks for it."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from contract.bundle import current_version
from contract.phone import EXAMPLE
from service.platform import SAGEMAKER_MODEL, platform_defaults, storage_uri
from service.settings import Settings
from tests.absent import say_absent
from tests.running_service import ARTIFACTS, PROJECT, free_port, wait_until_ready

INSTANCES = {"instances": [list(EXAMPLE.values())], "deployedModelId": "3"}


@contextmanager
def started(**environment: str) -> Iterator[httpx.Client]:
    """A service that is told nothing but by the environment, at AIP_HTTP_PORT or 8080."""
    port = environment.get("AIP_HTTP_PORT", environment.get("SAGEMAKER_BIND_TO_PORT", "8080"))
    process = subprocess.Popen(
        [sys.executable, "-m", "service", "serve"], cwd=PROJECT, env=os.environ | environment
    )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10) as client:
            wait_until_ready(client, process)
            yield client
    finally:
        process.terminate()
        process.wait(timeout=30)


def test_without_a_platform_there_is_nothing_to_follow() -> None:
    assert platform_defaults({}) == {}
    assert platform_defaults({"SAGEMAKER_PROJECT_NAME": "of a notebook"}) == {}
    assert storage_uri({}) is None


def test_what_somebody_has_given_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIP_HTTP_PORT", "8080")
    assert (Settings().port, Settings().host, Settings().insecure) == (8080, "0.0.0.0", True)  # noqa: S104
    monkeypatch.setenv("PHONE_PRICE_PORT", "9000")
    monkeypatch.setenv("PHONE_PRICE_INSECURE", "false")
    assert (Settings().port, Settings(port=9001).port, Settings().insecure) == (9000, 9001, False)


@pytest.mark.parametrize(
    ("routes", "health", "predict"),
    [
        (
            {"AIP_HEALTH_ROUTE": "", "AIP_PREDICT_ROUTE": ""},
            "/v1/endpoints/7/deployedModels/8",
            "/v1/endpoints/7/deployedModels/8:predict",
        ),
        ({}, "/v1/endpoints/7/deployedModels/8", "/v1/endpoints/7/deployedModels/8:predict"),
        ({"AIP_HEALTH_ROUTE": "/alive", "AIP_PREDICT_ROUTE": "/ask"}, "/alive", "/ask"),
        ({"AIP_HEALTH_ROUTE": "/health", "AIP_PREDICT_ROUTE": "/predict"}, "/health", "/predict"),
        ({"AIP_HEALTH_ROUTE": "/", "AIP_PREDICT_ROUTE": "/"}, "/", "/"),
        (
            {
                "AIP_HEALTH_ROUTE": "/v1/models/phone-price",
                "AIP_PREDICT_ROUTE": "/v1/models/phone-price:predict",
            },
            "/v1/models/phone-price",
            "/v1/models/phone-price:predict",
        ),
    ],
)
def test_vertex_asks_at_its_own_port_and_routes(routes: dict[str, str], health: str, predict: str) -> None:
    port = str(free_port())
    with started(AIP_HTTP_PORT=port, AIP_MODE="PREDICTION", AIP_STORAGE_URI="", **routes) as client:
        assert client.get(health).status_code == 200
        due = client.post("/v2/models/phone-price/infer", json={"inputs": [tensor()]}).json()
        answer = client.post(predict, content=httpx.Request("POST", "http://x", json=INSTANCES).content)
        (prediction,) = answer.json()["predictions"]
        assert prediction["probabilities"] == due["outputs"][1]["data"]
        assert answer.json().keys() == {"predictions"}
        refused = client.post(predict, json={"instances": [{**EXAMPLE, "wifi": 2}]})
        assert refused.status_code == 400
        assert "instances[0].wifi" in refused.json()["error"]


def tensor() -> dict[str, object]:
    return {"name": "x", "shape": [1, 20], "datatype": "FP64", "data": list(EXAMPLE.values())}


def test_where_vertex_asks_at_predict_it_is_answered_whichever_path_a_request_takes() -> None:
    port = str(free_port())
    with started(AIP_HTTP_PORT=port, AIP_HEALTH_ROUTE="/health", AIP_PREDICT_ROUTE="/predict") as client:
        described = client.get("/openapi.json").json()["paths"]["/predict"]["post"]
        assert described["tags"] == ["Vertex AI"]
        for kind in ("application/json", "application/json; charset=utf-8"):
            headers = {"Content-Type": kind}
            answer = client.post("/predict", json=INSTANCES, headers=headers)
            assert answer.json()["predictions"][0]["price_range"] == 2
            alone = client.post("/predict", json=EXAMPLE, headers=headers)
            assert (alone.status_code, "one of instances" in alone.json()["error"]) == (400, True)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("AIP_PREDICT_ROUTE", "predict", "must be a path that begins with /, as /predict"),
        ("AIP_HEALTH_ROUTE", "/{alive", "must be a path"),
        ("AIP_HEALTH_ROUTE", "/alive?", "must be a path"),
        ("AIP_HTTP_PORT", "http", "must be a port, from 1 to 65535"),
        ("AIP_HTTP_PORT", "0", "must be a port"),
        ("SAGEMAKER_BIND_TO_PORT", "abc", "must be a port"),
        ("SAGEMAKER_BIND_TO_PORT", "65536", "must be a port"),
    ],
)
@pytest.mark.parametrize("command", [["serve"], ["score", "data/sample.csv", "-"]])
def test_a_variable_that_cannot_be_followed_is_named_in_one_line(
    name: str, value: str, words: str, command: list[str]
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "service", *command],
        cwd=PROJECT,
        env=os.environ | {name: value},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {name} is '{value}', but {words}")
    assert len(done.stderr.splitlines()) == 1


def test_a_container_that_vertex_runs_needs_no_key_and_one_with_keys_does() -> None:
    key, port = "a-key-of-the-one-who-prices-phones-0", str(free_port())
    with started(AIP_HTTP_PORT=port, AIP_HEALTH_ROUTE="/alive", PHONE_PRICE_API_KEYS=key) as client:
        assert client.get("/alive").status_code == 200
        refused = client.post("/v1/endpoints/7/deployedModels/8:predict", json=INSTANCES)
        assert refused.status_code == 401
        assert "A key is needed" in refused.json()["error"]


def test_vertex_keeps_a_model_elsewhere(tmp_path: Path) -> None:
    """In a folder of this machine, or in a bucket: see test_storage."""
    artifacts = tmp_path / "elsewhere"
    shutil.copytree(ARTIFACTS, artifacts)
    for uri in (str(artifacts), artifacts.as_uri()):
        with started(AIP_HTTP_PORT=str(free_port()), AIP_STORAGE_URI=uri) as client:
            assert client.get("/health").json()["model_version"] == current_version(artifacts)


@pytest.mark.parametrize(("name", "words"), [("nothing", "cannot be fetched"), ("empty", "holds nothing")])
def test_a_model_that_is_not_where_vertex_says_is_one_clear_line(
    tmp_path: Path, name: str, words: str
) -> None:
    (tmp_path / "empty").mkdir()
    uri = (tmp_path / name).as_uri()
    done = subprocess.run(
        [sys.executable, "-m", "service", "serve"],
        cwd=PROJECT,
        env=os.environ | {"AIP_HTTP_PORT": str(free_port()), "AIP_STORAGE_URI": uri},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 3
    fetching, refused = done.stderr.splitlines()
    assert fetching == f"fetching {uri}"
    assert words in refused


def test_sagemaker_asks_at_8080_and_its_own_model_wins() -> None:
    if SAGEMAKER_MODEL.exists() or os.geteuid() != 0:
        say_absent(f"SageMaker's {SAGEMAKER_MODEL} can be made by root only, where there is none")
    environment = {"SAGEMAKER_REGION": "eu-central-1", "SAGEMAKER_BIND_TO_PORT": str(free_port())}
    assert platform_defaults({"SAGEMAKER_BATCH": "true"}) == {
        "host": "0.0.0.0",  # noqa: S104
        "port": 8080,
        "insecure": True,
    }
    SAGEMAKER_MODEL.mkdir(parents=True)
    try:
        assert platform_defaults({"SAGEMAKER_REGION": "eu-central-1"})["insecure"]
        with started(**environment) as client:  # an empty folder: the model of the image
            assert client.get("/ping").content == b""
        shutil.copytree(ARTIFACTS, SAGEMAKER_MODEL, dirs_exist_ok=True)
        assert platform_defaults(environment)["artifacts"] == SAGEMAKER_MODEL
        (SAGEMAKER_MODEL / "CURRENT").unlink()
        done = subprocess.run(
            [sys.executable, "-m", "service", "serve"],
            cwd=PROJECT,
            env=os.environ | environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert (done.returncode, "CURRENT" in done.stderr) == (3, True)
    finally:
        shutil.rmtree(SAGEMAKER_MODEL.parent)


def test_serve_ends_soon_after_sigterm() -> None:
    """SageMaker kills what has not ended 30 s after it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "service", "serve"],
        cwd=PROJECT,
        env=os.environ | {"SAGEMAKER_BIND_TO_PORT": str(port := free_port()), "SAGEMAKER_BATCH": "true"},
    )
    with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        wait_until_ready(client, process)
    begun = time.monotonic()
    process.send_signal(signal.SIGTERM)
    process.wait(timeout=30)
    assert time.monotonic() - begun < 25
