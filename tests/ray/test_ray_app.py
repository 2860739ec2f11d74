"""Ray Serve answers as the service alone does: the same tests ask it, on two nodes with a replica each.

It is started as an operator starts it, by `serve run` with deploy/ray-serve.yaml.
"""

import asyncio
import os
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from types import ModuleType

import httpx
import psutil
import pytest
import yaml
from uvicorn.config import Config
from uvicorn.lifespan.on import LifespanOn

from contract.cluster import INSTALL
from contract.errors import GoldenRowError
from contract.phone import EXAMPLE, FEATURES
from service.predictor import load_predictor
from service.settings import Settings
from tests.ray.cluster import Cluster, Node
from tests.running_service import ARTIFACTS, PROJECT, free_port, wait_until_ready
from tests.service.guards.test_access import (  # noqa: F401 - pytest runs what has a test's name
    KEY,
    OTHER,
    test_without_a_key_every_route_is_shut_alike,
)
from tests.service.protocols.test_kserve_v1 import (  # noqa: F401
    test_instances_get_the_answers_of_predict,
)
from tests.service.tables.test_kinds import (  # noqa: F401
    alone,
    test_a_broken_row_is_named_by_its_place_and_column,
    test_every_kind_gives_what_the_phones_give_alone,
)
from tests.service.test_bad_input import (  # noqa: F401
    test_a_bad_field_is_named_alone_and_in_a_batch,
)
from tests.service.test_predict import (  # noqa: F401
    test_a_phone_gets_a_price_range_with_its_probabilities,
    test_a_value_outside_the_trained_range_is_answered_with_a_warning,
    test_golden_phones_get_their_golden_probabilities,
    test_more_memory_does_not_make_a_phone_cheaper,
    test_the_expected_range_is_the_mean_of_the_range_under_the_probabilities,
    test_the_order_of_the_fields_and_the_way_to_write_a_whole_number_make_no_difference,
    test_the_prediction_set_holds_what_the_bundles_threshold_says,
    test_the_trained_bounds_themselves_give_no_warning,
)

SERVE = Path(sys.executable).with_name("serve")

REPLICA = "ray::ServeReplica"

SECONDS = 120.0
"""In which something must come true on a busy machine."""


@pytest.fixture(scope="module")
def ray_app() -> ModuleType:
    with warnings.catch_warnings(action="ignore"):  # Ray's own, about its models
        return import_module("service.ray_app")


@pytest.fixture(scope="module")
def url(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(cluster, tmp_path_factory.mktemp("serve")) as running:
        yield running


@contextmanager
def serving(cluster: Cluster, folder: Path) -> Iterator[str]:
    """Serve what deploy/ray-serve.yaml says, from a free port of loopback, with a replica on each node."""
    port = free_port()
    config = yaml.safe_load((PROJECT / "deploy" / "ray-serve.yaml").read_text())
    # both nodes are on this machine, which has each port once
    config["proxy_location"] = "HeadOnly"
    config["http_options"] |= {"host": "127.0.0.1", "port": port}
    (application,) = config["applications"]
    application["runtime_env"]["env_vars"] = {
        "PHONE_PRICE_ARTIFACTS": str(ARTIFACTS),
        "PHONE_PRICE_API_KEYS": f"{KEY} {OTHER}",
    }
    application["deployments"][0]["autoscaling_config"] |= {"min_replicas": 2, "max_replicas": 2}
    file = folder / "ray-serve.yaml"
    file.write_text(yaml.safe_dump(config))
    command = [str(SERVE), "run", str(file), "--address", cluster.address]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=PROJECT, stdout=log, stderr=log)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            wait_until_ready(client, process, SECONDS)
        wait_for_replicas(cluster)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGINT)  # as Ctrl-C, by which it ends all that it started
        process.wait(timeout=SECONDS)


@pytest.fixture(scope="module")
def service(url: str) -> Iterator[httpx.Client]:
    """A client with a key, for the tests of the service alone."""
    with httpx.Client(base_url=url, headers={"X-API-Key": KEY}, timeout=30) as client:
        yield client


@pytest.fixture(scope="module")
def guarded(url: str) -> Iterator[httpx.Client]:
    """A client without one."""
    with httpx.Client(base_url=url, timeout=30) as client:
        yield client


def replicas(node: Node) -> set[int]:
    """The processes of a node's replicas, by number."""
    found = set()
    for process in node.processes():
        with suppress(psutil.NoSuchProcess):
            found |= {process.pid} if " ".join(process.cmdline()).startswith(REPLICA) else set()
    return found


def wait_for_replicas(cluster: Cluster, without: frozenset[int] = frozenset()) -> None:
    """Wait until each node has one, none of them of these."""
    deadline = time.monotonic() + SECONDS
    while not all(replicas(node) - without for node in cluster.nodes):
        assert time.monotonic() < deadline, [replicas(node) for node in cluster.nodes]
        time.sleep(0.1)


@pytest.mark.usefixtures("service")
def test_each_node_has_a_replica(cluster: Cluster) -> None:
    assert [len(replicas(node)) for node in cluster.nodes] == [1, 1]


def test_an_answer_has_one_request_id_and_the_log_has_it_with_the_clients_address(
    cluster: Cluster, service: httpx.Client
) -> None:
    asked = "asked-by-the-test-of-ray-serve"
    own = service.get("/health", headers={"X-Request-ID": asked})
    assert own.headers.get_list("x-request-id") == [asked]
    made = service.post("/predict", json=EXAMPLE).headers.get_list("x-request-id")
    assert len(made) == 1
    assert "127.0.0.1" in logged(cluster, asked)
    assert "/predict" in logged(cluster, made[0])


def logged(cluster: Cluster, request_id: str) -> str:
    """Wait for the line that a replica writes of a request."""
    logs = cluster.nodes[0].log.parent / "ray" / "session_latest" / "logs"
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        for log in logs.glob("worker-*.out"):
            for line in log.read_text().splitlines():
                if f'"id": "{request_id}"' in line:
                    return line
        time.sleep(0.1)
    raise AssertionError(f"no replica has logged {request_id}")


def test_a_table_larger_than_any_body_may_be_comes_and_goes_in_pieces(service: httpx.Client) -> None:
    row = ",".join(str(EXAMPLE[name]) for name in FEATURES) + "\n"
    rows, at_a_time = 200_000, 1_000
    assert rows * len(row) > Settings().max_body_bytes

    def pieces() -> Iterator[bytes]:
        yield f"{','.join(FEATURES)}\n".encode()
        for _ in range(rows // at_a_time):
            yield (row * at_a_time).encode()

    headers = {"Content-Type": "text/csv", "Accept": "text/csv"}
    answer = service.post("/predict/batch", content=pieces(), headers=headers)
    assert answer.status_code == 200
    assert answer.text.count("\n") == rows + 1


def test_a_body_that_is_too_large_is_refused_in_the_services_words(service: httpx.Client) -> None:
    headers = {"Content-Type": "application/json"}
    answer = service.post("/predict", content=b" " * (Settings().max_body_bytes + 1), headers=headers)
    assert answer.status_code == 413
    assert answer.json()["detail"][0]["msg"].startswith("The body is too large")


def test_a_killed_replica_is_replaced_while_the_other_answers(
    cluster: Cluster, service: httpx.Client
) -> None:
    before = frozenset(pid for node in cluster.nodes for pid in replicas(node))
    (killed,) = replicas(cluster.nodes[0])  # beside the proxy, which asks it rather than the other
    psutil.Process(killed).kill()
    answers = []
    deadline = time.monotonic() + SECONDS
    while not replicas(cluster.nodes[0]) - before:
        answers.append(service.post("/predict", json=EXAMPLE).status_code)
        assert time.monotonic() < deadline
    assert answers.count(200) > 10
    assert len(answers) - answers.count(200) <= 1, "more than what it had under way, of one client"
    assert [service.post("/predict", json=EXAMPLE).status_code for _ in range(50)] == [200] * 50


def test_a_replica_is_not_healthy_when_its_model_predicts_what_it_should_not(
    ray_app: ModuleType, tiny_artifacts: Path
) -> None:
    replica = ray_app.PhonePrice(Settings(artifacts=ARTIFACTS))
    another = load_predictor(Settings(artifacts=tiny_artifacts)).engine

    async def check() -> None:
        lifespan = LifespanOn(Config(replica.__serve_build_asgi_app__(), lifespan="on", log_config=None))
        await lifespan.startup()
        await replica.check_health()
        replica.app_for_serve.state["batcher"].predictor.engine = another
        with pytest.raises(GoldenRowError):
            await replica.check_health()
        await lifespan.shutdown()

    asyncio.run(check())


@pytest.mark.parametrize(
    ("environment", "arguments", "words"),
    [
        ({}, {}, "strangers could call: set PHONE_PRICE_API_KEYS"),
        ({"PHONE_PRICE_HOST": "127.0.0.1"}, {}, "strangers could call"),
        ({"PHONE_PRICE_API_KEYS": "short"}, {}, "under 32 bytes"),
        ({"PHONE_PRICE_INSECURE": "true"}, {"port": "9000"}, "port is Ray Serve's own"),
        ({"PHONE_PRICE_INSECURE": "true"}, {"colour": "red"}, "setting colour:"),
        ({"PHONE_PRICE_INSECURE": "true"}, {"max_requests": "many"}, "setting max_requests:"),
    ],
    ids=["no keys", "whatever our host is", "a short key", "a port", "no setting", "a wrong value"],
)
def test_wrong_settings_are_refused_in_one_line_before_anything_is_deployed(
    ray_app: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    environment: dict[str, str],
    arguments: dict[str, str],
    words: str,
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ray_app.WrongUseError) as refused:
        ray_app.app(arguments)
    assert words in refused.value.message
    assert "\n" not in refused.value.message


def test_serve_run_ends_with_that_line_and_the_status_of_wrong_use() -> None:
    done = subprocess.run(
        [str(SERVE), "run", "service.ray_app:app"], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("Error: Ray Serve listens where its cluster says")
    assert "Traceback" not in done.stderr


def test_without_ray_the_import_says_what_installs_it() -> None:
    code = "import sys; sys.modules['ray'] = None; import service.ray_app"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=PROJECT,
        env=os.environ | {"PYTHONWARNINGS": "ignore"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == f"contract.errors.ClusterError: {INSTALL}"
