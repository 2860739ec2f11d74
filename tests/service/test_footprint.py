"""What the default engine costs, within the limit that was promised."""

import os
import subprocess
import sys
from pathlib import Path

import psutil

from contract.phone import EXAMPLE
from tests.running_service import ARTIFACTS, PROJECT, running_service

MIB = 2**20


def test_neither_training_libraries_nor_pyarrow_are_imported_before_they_are_needed() -> None:
    code = (
        "import asyncio, sys\n"
        "import service.__main__\n"
        "from service.app import create_app\n"
        "async def start(app):\n"
        "    async with app.router.lifespan_context(app) as state: assert state['batcher'].predictor\n"
        "asyncio.run(start(create_app()))\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    imported = set(done.stdout.split())
    assert {"onnxruntime", "fastapi", "service", "contract"} <= imported
    training = {"torch", "pandas", "sklearn", "joblib", "scipy", "onnx", "matplotlib", "training"}
    assert not imported & (training | {"pyarrow"})


def test_onnxruntime_reports_to_nobody(tmp_path: Path) -> None:
    """Its reporter would begin with a file in the temporary folder; where CI runs, it is quiet anyway."""
    told = {"CI", "ORT_DISABLE_TELEMETRY"}
    environment = {name: value for name, value in os.environ.items() if name not in told}
    code = "import os, service.engine.onnx; print(os.environ['ORT_DISABLE_TELEMETRY'])"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=PROJECT,
        env=environment | {"TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "1\n"
    assert not list(tmp_path.iterdir())


def test_it_stays_small_over_ten_thousand_requests() -> None:
    with running_service(ARTIFACTS) as running:
        for _ in range(10_000):
            assert running.client.post("/predict", json=EXAMPLE).status_code == 200
        assert psutil.Process(running.process.pid).memory_info().rss < 120 * MIB


def test_a_table_does_not_import_pandas_into_a_process_that_serves() -> None:
    code = (
        "import sys\n"
        "from service.process import create_app\n"
        "create_app()\n"
        "import pyarrow\n"
        "pyarrow.array([1])\n"
        "print('pandas' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"
