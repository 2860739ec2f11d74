"""Whichever worker is asked tells the metrics of all."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import psutil
import pytest

from contract.bundle import current_version
from contract.phone import EXAMPLE
from service.telemetry import shared_metrics
from tests.running_service import ARTIFACTS, RunningService, running_service
from tests.service.telemetry.test_metrics import Samples, named, samples

MODEL = ("onnx", current_version(ARTIFACTS))


@pytest.fixture
def running(tmp_path: Path) -> Iterator[RunningService]:
    with running_service(ARTIFACTS, "--workers", "2", TMPDIR=str(tmp_path)) as running:
        yield running


def told(running: RunningService) -> Samples:
    """By whichever worker takes a new connection: again, if it is killed meanwhile."""
    for _ in range(100):
        with suppress(httpx.TransportError):
            return samples(httpx.get(f"{running.client.base_url}/metrics", timeout=30).text)
        time.sleep(0.1)
    raise AssertionError("nobody tells")


def answered(found: Samples) -> float:
    return named(found, "phone_price_request_seconds_count").get(("/predict", "200"), 0)


def both_answer(found: Samples) -> bool:
    return named(found, "phone_price_model_info") == {MODEL: 2}


def wait_until_both_answer(running: RunningService) -> Samples:
    deadline = time.monotonic() + 60
    while not both_answer(found := told(running)):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found


def test_requests_to_any_worker_are_counted_by_all(running: RunningService, tmp_path: Path) -> None:
    found = wait_until_both_answer(running)
    assert len(named(found, "phone_price_resident_bytes")) == 2
    assert min(named(found, "phone_price_resident_bytes").values()) > 20 * 2**20
    for _ in range(40):
        assert httpx.post(f"{running.client.base_url}/predict", json=EXAMPLE).status_code == 200
    by_either = [told(running) for _ in range(10)]
    assert {answered(each) for each in by_either} == {40}
    assert {sum(named(each, "phone_price_predictions_total").values()) for each in by_either} == {40}

    workers = psutil.Process(running.process.pid).children()
    os.kill(next(each.pid for each in workers if "spawn_main" in " ".join(each.cmdline())), signal.SIGKILL)
    time.sleep(0.1)
    found = wait_until_both_answer(running)
    assert answered(found) == 40
    assert len(named(found, "phone_price_resident_bytes")) == 2
    assert list(tmp_path.glob("phone-price-metrics-*/*.db"))


def test_nothing_is_left_behind(tmp_path: Path) -> None:
    with running_service(ARTIFACTS, "--workers", "2", TMPDIR=str(tmp_path)) as running:
        told(running)
    assert not list(tmp_path.iterdir())


def test_where_nothing_can_be_written_each_worker_tells_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(shared_metrics.FOLDER, raising=False)

    def full(**_: object) -> None:
        raise FileNotFoundError("No usable temporary directory found")

    monkeypatch.setattr(shared_metrics, "TemporaryDirectory", full)
    with shared_metrics.shared_by(2):
        assert shared_metrics.exposition_of_all() is None
        shared_metrics.shared_counter("restarts", "Of whom nobody can tell")()


def test_one_worker_shares_nothing() -> None:
    with shared_metrics.shared_by(1):
        assert shared_metrics.exposition_of_all() is None
