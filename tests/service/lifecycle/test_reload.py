"""A version that CURRENT names anew answers without a restart, if it is whole; if not, nothing changes."""

import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from itertools import cycle, islice
from pathlib import Path

import httpx
import psutil
import pytest

from contract.bundle import (
    SigningKey,
    current_version,
    remove_old_versions,
    sign_version,
    switch_current,
    versions,
)
from contract.errors import LoadTimeoutError
from contract.phone import EXAMPLE
from service.engine.onnx import OnnxEngine
from service.lifecycle import reload
from service.lifecycle.reload import PROVED, RETRY_SECONDS, Follower, Refusal, load_first
from service.predictor import Predictor, load_predictor
from service.settings import Settings
from tests.running_service import ARTIFACTS, RunningService, running_service, workers
from trials.altered_bundle import edit_manifest

BEST = current_version(ARTIFACTS)
OFTEN = {"PHONE_PRICE_RELOAD_SECONDS": "0.02", "PHONE_PRICE_ACCESS_LOG": "false"}


@pytest.fixture
def artifacts(tiny_artifacts: Path, tmp_path: Path) -> Path:
    """Two versions that answer differently; CURRENT names the committed one."""
    folder = Path(shutil.copytree(tiny_artifacts, tmp_path / "artifacts"))
    shutil.copytree(ARTIFACTS / BEST, folder / BEST)
    switch_current(folder, BEST)
    return folder


@pytest.fixture
def tiny(tiny_artifacts: Path) -> str:
    return current_version(tiny_artifacts)


@pytest.fixture
def running(artifacts: Path) -> Iterator[RunningService]:
    with running_service(artifacts, **OFTEN) as service:
        yield service


def wait_until(true: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def serves(client: httpx.Client, version: str) -> bool:
    return bool(client.get("/health").json()["model_version"] == version)


def predicted(client: httpx.Client) -> tuple[str, tuple[float, ...]]:
    answer = client.post("/predict", json=EXAMPLE).raise_for_status().json()
    return answer["model_version"], tuple(answer["probabilities"])


def versions_served(running: RunningService) -> set[str]:
    """Of as many new connections as leave no worker out."""
    return {
        httpx.get(f"{running.client.base_url}/health", timeout=30).json()["model_version"] for _ in range(20)
    }


def publish_damaged(artifacts: Path, name: str) -> None:
    """A version of which one bit is not as it was trained."""
    shutil.copytree(artifacts / BEST, artifacts / name)
    edit_manifest(artifacts / name, lambda manifest: manifest.update(version=name))
    graph = artifacts / name / "model.onnx"
    content = bytearray(graph.read_bytes())
    content[100] ^= 1
    graph.write_bytes(content)
    switch_current(artifacts, name)


def test_a_new_version_answers_without_a_restart_and_so_does_the_old_one_again(
    running: RunningService, artifacts: Path, tiny: str
) -> None:
    client, process = running.client, running.process.pid
    before = predicted(client)
    switch_current(artifacts, tiny)
    wait_until(lambda: serves(client, tiny))
    assert predicted(client)[0] == client.get("/model-info").json()["model_version"] == tiny
    assert predicted(client)[1] != before[1]
    switch_current(artifacts, BEST)
    wait_until(lambda: serves(client, BEST))
    assert predicted(client) == before
    assert running.process.pid == process
    assert "phone_price_model_loads_total 3.0" in client.get("/metrics").text


def test_every_answer_while_versions_change_is_exactly_one_versions(
    running: RunningService, artifacts: Path, tiny: str
) -> None:
    golden = dict([predicted(running.client)])
    switch_current(artifacts, tiny)
    wait_until(lambda: serves(running.client, tiny))
    golden |= dict([predicted(running.client)])
    done, seen = threading.Event(), []

    def ask() -> None:
        with httpx.Client(base_url=running.client.base_url, timeout=30) as client:
            while not done.is_set():
                seen.append(predicted(client))

    asking = [threading.Thread(target=ask) for _ in range(4)]
    for each in asking:
        each.start()
    try:
        for version in islice(cycle([BEST, tiny]), 20):
            switch_current(artifacts, version)
            wait_until(lambda named=version: serves(running.client, named))  # type: ignore[misc]
    finally:
        done.set()
        for each in asking:
            each.join()
    assert {version for version, _ in seen} == {BEST, tiny}
    assert all(golden[version] == probabilities for version, probabilities in seen)


def test_many_reloads_leave_nothing_behind(running: RunningService, artifacts: Path, tiny: str) -> None:
    resident = []
    for version in islice(cycle([tiny, BEST]), 50):
        switch_current(artifacts, version)
        wait_until(lambda named=version: serves(running.client, named))  # type: ignore[misc]
        resident.append(psutil.Process(running.process.pid).memory_info().rss)
    assert resident[-1] < 1.1 * resident[1]


def test_a_version_that_is_not_whole_is_told_of_and_never_served(
    running: RunningService, artifacts: Path
) -> None:
    client = running.client
    before = predicted(client)
    publish_damaged(artifacts, "damaged")
    wait_until(lambda: "refused" in client.get("/health").json())
    assert client.get("/health").json() == {
        "status": "ok",
        "model_version": BEST,
        "engine": "onnx",
        "refused": {"version": "damaged", "error": "FileHashError"},
    }
    assert predicted(client) == before
    time.sleep(0.2)  # it is looked at ten times more, and counted once
    assert "phone_price_model_refusals_total 1.0" in client.get("/metrics").text

    (artifacts / "CURRENT").unlink()
    wait_until(lambda: client.get("/health").json()["refused"] == {"version": None, "error": "PointerError"})
    switch_current(artifacts, BEST)
    wait_until(lambda: "refused" not in client.get("/health").json())
    assert predicted(client) == before


def test_with_a_key_what_is_not_signed_is_never_served(artifacts: Path, tiny: str) -> None:
    secret = "0123456789abcdef" * 2
    sign_version(artifacts, BEST, SigningKey(secret))
    with running_service(artifacts, PHONE_PRICE_SIGNING_KEY=secret, **OFTEN) as running:
        before = predicted(running.client)
        switch_current(artifacts, tiny)
        wait_until(lambda: "refused" in running.client.get("/health").json())
        assert running.client.get("/health").json()["refused"] == {"version": tiny, "error": "SignatureError"}
        assert predicted(running.client) == before


def test_a_killed_worker_comes_back_on_the_version_that_was_proved_last(artifacts: Path, tiny: str) -> None:
    with running_service(artifacts, "--workers", "2", **OFTEN) as running:
        switch_current(artifacts, tiny)
        wait_until(lambda: versions_served(running) == {tiny})
        publish_damaged(artifacts, "damaged")
        time.sleep(0.5)
        before = workers(running)
        assert len(before) == 2
        os.kill(min(before), signal.SIGKILL)
        wait_until(lambda: len(workers(running) - before) == 1)
        wait_until(lambda: versions_served(running) == {tiny})
        assert running.process.poll() is None


@pytest.mark.parametrize("count", ["1", "2"])
def test_a_version_is_not_removed_while_it_is_served_or_workers_come_back_on_it(
    artifacts: Path, tiny: str, count: str
) -> None:
    with running_service(artifacts, "--workers", count, **OFTEN) as running:
        publish_damaged(artifacts, "damaged")
        publish_damaged(artifacts, "damaged-too")  # now CURRENT names not even the version before it
        time.sleep(0.5)
        assert remove_old_versions(artifacts, keep=2) == ([tiny], [BEST])
        before = workers(running)
        for worker in before:
            os.kill(worker, signal.SIGKILL)
        if before:
            wait_until(lambda: len(workers(running) - before) == 2)
        wait_until(lambda: versions_served(running) == {BEST})
        assert remove_old_versions(artifacts, keep=2) == ([], [BEST])


def test_a_version_that_was_served_is_let_go_when_another_one_answers(artifacts: Path, tiny: str) -> None:
    def is_removed() -> bool:
        remove_old_versions(artifacts, keep=1)
        return BEST not in versions(artifacts)

    with running_service(artifacts, "--workers", "2", **OFTEN) as running:
        publish_damaged(artifacts, "damaged")
        switch_current(artifacts, tiny)
        wait_until(lambda: versions_served(running) == {tiny})
        wait_until(is_removed)
        assert versions_served(running) == {tiny}


def test_a_service_that_never_looks_holds_what_it_serves(artifacts: Path, tiny: str) -> None:
    with running_service(artifacts, "--workers", "2", PHONE_PRICE_RELOAD_SECONDS="0"):
        publish_damaged(artifacts, "damaged")
        publish_damaged(artifacts, "damaged-too")
        assert remove_old_versions(artifacts, keep=2) == ([tiny], [BEST])
    assert remove_old_versions(artifacts, keep=2) == ([BEST], [])


def test_with_zero_seconds_nobody_looks(artifacts: Path, tiny: str) -> None:
    with running_service(artifacts, PHONE_PRICE_RELOAD_SECONDS="0") as running:
        switch_current(artifacts, tiny)
        time.sleep(1.5)
        assert serves(running.client, BEST)


def test_whatever_goes_wrong_with_a_version_is_its_refusal(
    artifacts: Path, tiny: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else one worker that ends would, when it is started again, end them all."""

    def breaks_off(_: OnnxEngine, __: object) -> None:
        raise RuntimeError("onnxruntime's own\nand its details")

    follower = Follower(Settings(artifacts=artifacts), BEST)
    switch_current(artifacts, tiny)
    with monkeypatch.context() as patched:
        patched.setattr(OnnxEngine, "predict", breaks_off)
        refusal = follower.look()
    assert isinstance(refusal, Refusal)
    assert str(refusal.error) == f"{tiny} cannot be loaded: RuntimeError: onnxruntime's own"
    assert follower.serving == BEST


def test_a_worker_comes_back_where_the_folder_of_versions_cannot_be_listed(
    artifacts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unlisted(_: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", unlisted)
    monkeypatch.setenv(PROVED, BEST)
    (artifacts / "CURRENT").write_text("nowhere\n")
    assert load_first(Settings(artifacts=artifacts)).version == BEST


def test_a_refused_version_is_looked_at_again_later(artifacts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may have been copied only in part."""
    publish_damaged(artifacts, "copied")
    follower = Follower(Settings(artifacts=artifacts), BEST)
    assert isinstance(follower.look(), Refusal)
    shutil.copy(artifacts / BEST / "model.onnx", artifacts / "copied" / "model.onnx")
    assert follower.look() is None
    later = time.monotonic() + RETRY_SECONDS
    monkeypatch.setattr(time, "monotonic", lambda: later)
    loaded = follower.look()
    assert isinstance(loaded, Predictor)
    assert (loaded.version, follower.serving, follower.refusal) == ("copied", "copied", None)


def test_a_load_that_does_not_end_is_given_up_and_other_versions_are_still_taken(
    artifacts: Path, tiny: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    loads, end = [], threading.Event()

    def hang_at_tiny(settings: Settings, version: str | None = None) -> Predictor:
        loads.append(version)
        if version == tiny:
            end.wait()
        return load_predictor(settings, version)

    monkeypatch.setattr(reload, "load_predictor", hang_at_tiny)
    monkeypatch.setattr(reload, "MAX_LOAD_SECONDS", 0.1)
    monkeypatch.setattr(reload, "RETRY_SECONDS", 0.0)
    watcher = Follower(Settings(artifacts=artifacts), BEST)
    switch_current(artifacts, tiny)
    refusal = watcher.look()
    assert isinstance(refusal, Refusal)
    assert isinstance(refusal.error, LoadTimeoutError)
    watcher.look()
    assert loads == [tiny], "a second load of it would hang as well"
    shutil.copytree(artifacts / BEST, artifacts / "another")
    edit_manifest(artifacts / "another", lambda manifest: manifest.update(version="another"))
    monkeypatch.setattr(reload, "MAX_LOAD_SECONDS", 60.0)
    switch_current(artifacts, "another")
    assert isinstance(watcher.look(), Predictor)
    end.set()
    assert watcher.serving == "another"
