"""deploy/compose.yaml is what Compose takes, and what it mounts, sets and asks for is there and agrees."""

import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from http.client import HTTPConnection
from pathlib import Path, PurePosixPath
from typing import Any

import httpx
import pytest
import yaml

from contract.phone import EXAMPLE
from service.settings import Settings
from tests.absent import say_absent
from tests.deploy.manifests import DEPLOY, IMAGE, Manifest, read, user_of_the_image, with_change
from tests.deploy.pod import MARGIN_SECONDS
from tests.running_service import ARTIFACTS, free_port, running_service
from trials.nginx import CONFIGURATION
from trials.plan.t1_sigterm import GRACE

FILE = DEPLOY / "compose.yaml"
COMPOSE = read(FILE)
SERVICES: dict[str, Manifest] = COMPOSE["services"]
INSTANCES = ("phone-price-1", "phone-price-2")
OTHERS = sorted(SERVICES.keys() - set(INSTANCES))

KEY = "only-the-tests-of-compose-know-this-key"

MOUNTS = [
    tuple(volume.split(":"))
    for service in SERVICES.values()
    for volume in service.get("volumes", [])
    if volume.startswith("./")
]
"""Source, target and `ro` of every file of deploy/ that lies in a container."""


BROKEN: dict[str, tuple[Sequence[str], object]] = {
    "an unknown key": (("services", "nginx", "read_onley"), True),
    "a text for a list": (("services", "nginx", "ports"), "8080:8080"),
    "an unknown condition": (("services", "nginx", "depends_on", "phone-price-1"), {"condition": "healthy"}),
    "an unknown key of a health check": (("services", "grafana", "healthcheck", "start"), "10s"),
    "an unknown section": (("network",), {}),
}


@pytest.fixture(scope="module")
def complaints(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the schema of the Compose Specification says against the file and its broken copies."""
    folder = tmp_path_factory.mktemp("broken")
    for name, (where, value) in BROKEN.items():
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(with_change(COMPOSE, where, value)))
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    checked = subprocess.run([*command, FILE, *folder.iterdir()], capture_output=True, text=True)
    assert checked.returncode == 1
    return checked.stdout


def test_the_file_has_nothing_that_compose_does_not_know(complaints: str) -> None:
    assert str(FILE) not in complaints


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_copy_is_refused(name: str, complaints: str) -> None:
    assert f"/{name}.yaml::" in complaints


@pytest.mark.parametrize("name", SERVICES)
def test_a_container_can_do_no_more_than_it_must(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["pids_limit"] <= 256
    assert "mem_limit" in service
    assert not service.keys() & {"privileged", "cap_add", "network_mode", "pid", "devices"}
    # a port is for this machine until there is a certificate
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))


@pytest.mark.parametrize("name", OTHERS)
def test_an_image_of_others_has_a_version_and_a_health_check(name: str) -> None:
    assert re.search(r":v?\d+\.\d+\.\d+", SERVICES[name]["image"])
    assert "healthcheck" in SERVICES[name]


@pytest.mark.parametrize("name", INSTANCES)
def test_an_instance_agrees_with_the_image_and_the_service(name: str) -> None:
    instance = SERVICES[name]
    assert instance["image"] == IMAGE
    assert instance["user"] == f"{user_of_the_image()}:{user_of_the_image()}"
    settings = settings_of(instance)
    assert settings.keys() <= Settings.model_fields.keys()
    assert settings["api_keys_file"] == f"/run/secrets/{instance['secrets'][0]}"
    assert set(instance["secrets"]) <= COMPOSE["secrets"].keys()
    drain = float(settings.get("drain_seconds", Settings.model_fields["drain_seconds"].default))
    assert seconds(instance["stop_grace_period"]) >= drain + GRACE + MARGIN_SECONDS


def test_what_is_mounted_is_there_and_cannot_be_changed() -> None:
    assert {source for source, *_ in MOUNTS} >= {"./nginx.conf", "./grafana-dashboard.json"}
    for source, _, mode in MOUNTS:
        assert (DEPLOY / source).is_file(), source
        assert mode == "ro"


def test_every_network_secret_and_dependency_is_one_of_the_file() -> None:
    for service in SERVICES.values():
        assert set(service["networks"]) <= COMPOSE["networks"].keys()
        assert set(service.get("depends_on", [])) <= SERVICES.keys()
        for volume in service.get("volumes", []):
            assert volume.startswith("./") or volume.split(":")[0] in COMPOSE["volumes"]


def test_only_nginx_and_grafana_can_be_reached_from_outside() -> None:
    assert COMPOSE["networks"]["inside"]["internal"] is True
    reached = {name for name, service in SERVICES.items() if "ports" in service}
    outside = {name for name, service in SERVICES.items() if "outside" in service["networks"]}
    assert reached == outside == {"nginx", "grafana"}


def test_prometheus_asks_both_instances_and_grafana_asks_prometheus() -> None:
    told = yaml.safe_load(mounted_at("prometheus", "/etc/prometheus/prometheus.yml").read_text())
    ((scraped,),) = (each["static_configs"] for each in told["scrape_configs"])
    port = settings_of(SERVICES[INSTANCES[0]])["port"]
    assert scraped["targets"] == [f"{name}:{port}" for name in INSTANCES]
    source = yaml.safe_load(
        mounted_at("grafana", "/etc/grafana/provisioning/datasources/phone-price.yaml").read_text()
    )["datasources"][0]
    assert source["url"] == "http://prometheus:9090"
    interval = told["scrape_configs"][0]["scrape_interval"]
    assert source["jsonData"]["timeInterval"] == interval


def test_grafana_finds_the_dashboard() -> None:
    provided = yaml.safe_load(
        mounted_at("grafana", "/etc/grafana/provisioning/dashboards/phone-price.yaml").read_text()
    )["providers"][0]["options"]["path"]
    home = SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert str(PurePosixPath(home).parent) == provided
    dashboard = json.loads(mounted_at("grafana", home).read_text())
    # it takes whichever Prometheus there is: none is named by an id that provisioning would have to give
    uids = {panel["datasource"]["uid"] for panel in dashboard["panels"]}
    assert uids == {"${datasource}"}


@pytest.mark.parametrize("name", ["prometheus.yml", "compose/prometheus.yml"])
def test_prometheus_takes_its_configuration(name: str, tmp_path: Path) -> None:
    program = shutil.which("promtool") or ""
    if not program:
        say_absent("promtool is not there: apt-get install prometheus")

    def takes(file: Path) -> bool:
        return subprocess.run([program, "check", "config", file], capture_output=True).returncode == 0

    assert takes(DEPLOY / name)
    broken = tmp_path / "prometheus.yml"
    broken.write_text((DEPLOY / name).read_text().replace("static_configs", "static_config"))
    assert not takes(broken)


def test_nginx_as_compose_starts_it_stands_before_both_instances(tmp_path: Path) -> None:
    """With Debian's nginx, the command of compose.yaml, and two real services with a key and open metrics."""
    if not shutil.which("nginx"):
        say_absent("nginx is not there: apt-get install nginx-light")
    keys = tmp_path / "api-keys"
    keys.write_text(KEY)
    settings = SERVICES[INSTANCES[0]]["environment"] | {"PHONE_PRICE_API_KEYS_FILE": str(keys)}
    with running_service(ARTIFACTS, **settings) as one, running_service(ARTIFACTS, **settings) as other:
        addresses = {
            f"{SERVICES[name]['networks']['inside']['ipv4_address']}:8000": f"127.0.0.1:{port}"
            for name, port in zip(
                INSTANCES, (one.client.base_url.port, other.client.base_url.port), strict=True
            )
        }
        port = free_port()
        command = command_of_nginx(tmp_path, addresses | {"8080": f"127.0.0.1:{port}"})
        nginx = subprocess.Popen(command)
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10) as client:
                wait_until_it_listens(client, nginx)
                assert client.post("/predict", json=EXAMPLE).status_code == 401
                client.headers["X-API-Key"] = KEY
                answers = [client.post("/predict", json=EXAMPLE) for _ in range(20)]
                assert {answer.status_code for answer in answers} == {200}
                assert counted(one.client) + counted(other.client) == 20
                assert min(counted(one.client), counted(other.client)) > 0
                one.process.kill()
                one.process.wait()
                assert {client.post("/predict", json=EXAMPLE).status_code for _ in range(20)} == {200}
                # open inside, and nowhere else
                for path in ("/metrics", "//metrics", "/%6detrics", "/health/../metrics", "/metrics?x=1"):
                    assert nginx_says(port, path) == 404, path
        finally:
            nginx.terminate()
            nginx.wait(timeout=30)


def command_of_nginx(folder: Path, others: dict[str, str]) -> list[str]:
    """The container's command line, with this machine's file, folder and addresses for the container's."""
    service = SERVICES["nginx"]
    (script,) = service["command"]
    own = {
        "/tmp/": f"{folder}/",  # noqa: S108 - the container's, and first: this project may lie in one, too
        "/etc/nginx/phone-price.conf": str(mounted_at("nginx", "/etc/nginx/phone-price.conf")),
        "exec nginx": f"sed -i 's/listen 8080/listen {others.pop('8080')}/' {folder}/nginx.conf\nexec nginx",
    }
    for old, new in (own | others).items():
        assert old in script, old
        script = script.replace(old, new)
    assert mounted_at("nginx", "/etc/nginx/phone-price.conf") == CONFIGURATION
    return [*service["entrypoint"], script]


def wait_until_it_listens(client: httpx.Client, nginx: subprocess.Popen[bytes]) -> None:
    for _ in range(1_000):
        assert nginx.poll() is None
        try:
            client.get("/health/live")
            return
        except httpx.TransportError:
            time.sleep(0.01)
    raise AssertionError("nginx does not listen")


def nginx_says(port: int, path: str) -> int:
    """The status of a path that is sent as it is: httpx would tidy it up first."""
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()


def counted(instance: httpx.Client) -> int:
    """How many phones an instance has priced, as its open metrics tell."""
    told = instance.get("/metrics")
    assert told.status_code == 200
    found = re.search(
        r'^phone_price_request_seconds_count\{.*route="/predict",status="200".*\} (\S+)$',
        told.text,
        re.MULTILINE,
    )
    return int(float(found[1])) if found else 0


def settings_of(service: Manifest) -> dict[str, str]:
    prefix = "PHONE_PRICE_"
    return {name.removeprefix(prefix).lower(): value for name, value in service["environment"].items()}


def mounted_at(name: str, target: str) -> Path:
    """The file of deploy/ that a container has there."""
    volumes: list[Any] = SERVICES[name]["volumes"]
    (source,) = (each.split(":")[0] for each in volumes if each.split(":")[1] == target)
    return DEPLOY / str(source).removeprefix("./")


def seconds(duration: str) -> float:
    found = re.fullmatch(r"(\d+)s", duration)
    assert found, duration
    return float(found[1])
