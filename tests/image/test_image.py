"""The image, built and run for real without a Docker engine: `make test-image`, X1 of the plan.

What only an engine has is not shown: its own limit of memory.
"""

import csv
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from contract.phone import FEATURES
from tests.running_service import PROJECT, free_port, wait_until_ready

pytestmark = pytest.mark.image

BASE = "docker.io/library/python:3.11-slim"
IMAGE = "phone-price-under-test"
CERTIFICATES = "/etc/ssl/certs"

# What an engine does with --read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges
# --pids-limit 256: bind the file system over itself read-only, give it the kernel's own folders, and start
# the image's command as its user with its environment only.
RUN = """
set -e
mount --make-rprivate /
mount --bind "$ROOT" "$ROOT"
mount -o remount,bind,ro "$ROOT"
mount -t proc proc "$ROOT/proc"
mount --bind /dev "$ROOT/dev"
mount -t tmpfs tmpfs "$ROOT/tmp"
exec chroot "$ROOT" setpriv --reuid "${USERSPEC%:*}" --regid "${USERSPEC#*:}" --clear-groups --no-new-privs \\
    --bounding-set=-all --inh-caps=-all prlimit --nproc=256 env -i -C "$WORKDIR" "$@"
"""


def buildah(*arguments: str) -> str:
    environment = os.environ | {"BUILDAH_ISOLATION": "chroot", "STORAGE_DRIVER": "vfs"}
    done = subprocess.run(
        ["buildah", *arguments], cwd=PROJECT, env=environment, stdout=subprocess.PIPE, text=True, check=True
    )
    return done.stdout.strip()


KEY = "only-the-tests-of-the-image-know-this-key"


@dataclass(frozen=True)
class Container:
    """A container's file system, and how its image wants to be run."""

    root: Path
    config: dict[str, Any]

    def start(self, command: list[str], **environment: str) -> subprocess.Popen[bytes]:
        """Run `command` as an engine would run it under this image's user and environment."""
        variables = [*self.config["Env"], *(f"{name}={value}" for name, value in environment.items())]
        return subprocess.Popen(
            ["unshare", "--mount", "sh", "-c", RUN, "sh", *variables, *command],
            env=os.environ
            | {"ROOT": str(self.root), "USERSPEC": self.config["User"], "WORKDIR": self.config["WorkingDir"]},
        )


@pytest.fixture(scope="module")
def container() -> Iterator[Container]:
    environment = os.environ | {"BUILDAH_ISOLATION": "chroot", "STORAGE_DRIVER": "vfs"}
    if BASE not in buildah("images", "--format", "{{.Name}}:{{.Tag}}").splitlines():
        subprocess.run([PROJECT / "tests/image/make_base_image.sh"], env=environment, check=True)
    # pip inside the build trusts the certificates that this machine trusts
    trust = ["--volume", f"{CERTIFICATES}:{CERTIFICATES}:ro"]
    buildah("bud", "--quiet", "--pull-never", "--format", "docker", *trust, "--tag", IMAGE, ".")
    name = buildah("from", "--pull-never", f"localhost/{IMAGE}")
    try:
        image = json.loads(buildah("inspect", "--type", "image", f"localhost/{IMAGE}"))
        yield Container(Path(buildah("mount", name)), image["Docker"]["config"])
    finally:
        buildah("rm", name)


@dataclass(frozen=True)
class Running:
    process: subprocess.Popen[bytes]
    client: httpx.Client
    port: int


@pytest.fixture(scope="module")
def running(container: Container) -> Iterator[Running]:
    port = free_port()
    command = [*container.config["Entrypoint"], *container.config["Cmd"]]
    process = container.start(command, PHONE_PRICE_PORT=str(port), PHONE_PRICE_API_KEYS=KEY)
    try:
        url, headers = f"http://127.0.0.1:{port}", {"X-API-Key": KEY}
        with httpx.Client(base_url=url, headers=headers, timeout=10) as client:
            wait_until_ready(client, process)
            yield Running(process, client, port)
    finally:
        process.kill()
        process.wait()


def test_the_image_answers_the_first_real_phone(running: Running, real_table: Path) -> None:
    with real_table.open() as file:
        row = next(csv.DictReader(file))
    answer = running.client.post("/predict", json={name: float(row[name]) for name in FEATURES})
    assert answer.status_code == 200
    assert answer.json()["price_range"] == int(row["price_range"]) == 1


def test_the_image_has_the_whole_page(running: Running) -> None:
    shown = running.client.get("/", headers={"Accept": "text/html"})
    assert shown.content == (PROJECT / "service/page/index.html").read_bytes()
    for path in (PROJECT / "service/page").iterdir():
        assert running.client.get(f"/page/{path.name}").content == path.read_bytes()


def test_it_runs_as_a_user_without_rights(running: Running) -> None:
    process = psutil.Process(running.process.pid)
    assert set(process.uids()) == {10001}
    assert set(process.gids()) == {10001}


def test_it_has_no_capability_and_can_get_none(running: Running, container: Container) -> None:
    status = dict(
        line.split(":\t", 1)
        for line in Path(f"/proc/{running.process.pid}/status").read_text().splitlines()
        if ":\t" in line
    )
    assert {int(status[name], 16) for name in ("CapEff", "CapPrm", "CapBnd", "CapInh")} == {0}
    assert status["NoNewPrivs"] == "1"
    files = [path for path in container.root.rglob("*") if path.is_file() and not path.is_symlink()]
    assert len(files) > 1_000
    assert not [path for path in files if path.stat().st_mode & 0o6000]


def test_nothing_can_be_written_but_in_tmp(container: Container) -> None:
    def writes(path: str) -> bool:
        return container.start(["python", "-c", f"open({path!r}, 'w')"]).wait(timeout=30) == 0

    assert writes("/tmp/x")  # noqa: S108 - of a container that is thrown away
    assert not any(map(writes, ["/x", "/app/x", "/app/artifacts/x", "/opt/venv/x", "/etc/x"]))


def test_it_runs_on_a_read_only_root(running: Running) -> None:
    mounts = Path(f"/proc/{running.process.pid}/mountinfo").read_text().splitlines()
    (root,) = [fields for fields in map(str.split, mounts) if fields[4] == "/"]
    assert "ro" in root[5].split(",")


def test_its_health_check_passes_while_it_runs_and_fails_when_nobody_listens(
    container: Container, running: Running
) -> None:
    kind, *command = container.config["Healthcheck"]["Test"]
    assert kind == "CMD"
    assert container.start(command, PHONE_PRICE_PORT=str(running.port)).wait(timeout=30) == 0
    assert container.start(command, PHONE_PRICE_PORT=str(free_port())).wait(timeout=30) != 0


@pytest.mark.parametrize(
    ("variables", "health"),
    [
        ({"SAGEMAKER_REGION": "eu-central-1", "SAGEMAKER_BIND_TO_PORT": "{port}"}, "/ping"),
        ({"AIP_HTTP_PORT": "{port}", "AIP_HEALTH_ROUTE": "/alive", "AIP_STORAGE_URI": ""}, "/alive"),
    ],
)
def test_as_a_platform_runs_it_it_serves_where_the_platform_looks(
    container: Container, variables: dict[str, str], health: str
) -> None:
    """SageMaker adds `serve` to the entrypoint; neither knows of keys."""
    port = free_port()
    environment = {name: value.format(port=port) for name, value in variables.items()}
    process = container.start([*container.config["Entrypoint"], "serve"], **environment)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10) as client:
            wait_until_ready(client, process)
            assert client.get(health).status_code == 200
            assert client.get("/v2/health/ready").json() == {"live": True, "ready": True}
        command = container.config["Healthcheck"]["Test"][1:]
        assert container.start(command, **environment).wait(timeout=30) == 0
    finally:
        process.kill()
        process.wait()


def test_without_a_key_it_does_not_start(container: Container) -> None:
    command = [*container.config["Entrypoint"], *container.config["Cmd"]]
    assert container.start(command, PHONE_PRICE_PORT=str(free_port())).wait(timeout=30) == 2


def test_it_holds_nothing_of_training(container: Container) -> None:
    packages = {path.name for path in container.root.glob("opt/venv/lib/python3*/site-packages/*")}
    assert {"fastapi", "onnxruntime", "service", "contract"} <= packages
    assert not packages & {"torch", "pandas", "sklearn", "joblib", "onnx", "training", "tests"}
    assert {path.name for path in (container.root / "app").iterdir()} == {"artifacts"}
    assert not list(container.root.rglob("sample.csv"))


def test_the_entrypoint_takes_the_signals_itself(container: Container) -> None:
    """Exec form: no shell between the engine and the service that would swallow a TERM."""
    assert container.config["Entrypoint"] == ["python", "-m", "service"]
    assert container.config["Cmd"] == ["serve"]
    port = free_port()
    command = ["python", "-m", "service", "serve", "--insecure"]
    process = container.start(command, PHONE_PRICE_PORT=str(port))
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10) as client:
        wait_until_ready(client, process)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=10) in (0, -signal.SIGTERM)
