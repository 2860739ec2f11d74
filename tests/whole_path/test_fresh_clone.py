"""What someone gets who clones the project and types `make serve`."""

import os
import signal
import subprocess
from pathlib import Path

import httpx
import pytest

from contract.phone import EXAMPLE
from tests.running_service import PROJECT, free_port, wait_until_ready


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fresh") / "clone"
    subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", str(PROJECT), str(folder)], check=True)
    return folder


def test_make_serve_answers_from_nothing_and_installs_nothing_of_training(clone: Path) -> None:
    """Needs the package index, as installing does."""
    assert not (clone / ".venv").exists()
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    # a session of its own, so that make and the server under it can be ended together
    process = subprocess.Popen(
        ["make", "serve", f"PORT={port}"], cwd=clone, env=environment, start_new_session=True
    )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10) as client:
            wait_until_ready(client, process, seconds=300)
            answer = client.post("/predict", json=EXAMPLE)
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=30)
    assert answer.status_code == 200

    done = subprocess.run(
        [clone / ".venv/bin/python", "-m", "pip", "list", "--format=freeze"],
        capture_output=True,
        text=True,
        check=True,
    )
    installed = {line.partition("==")[0].lower() for line in done.stdout.splitlines()}
    assert {"fastapi", "onnxruntime"} <= installed
    assert not installed & {"torch", "pandas", "scikit-learn", "joblib", "scipy", "onnx", "pytest"}
