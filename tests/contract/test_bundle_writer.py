import shutil
import signal
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from threading import Thread

import pytest

from contract import errors
from contract.bundle import (
    Bundle,
    current_version,
    publishing,
    read_bundle,
    read_current,
    read_version,
    switch_current,
    versions,
    write_bundle,
)
from contract.bundle.durable import write_durably
from contract.bundle.lock import LOCK
from tests.bundle_files import files_of
from tests.running_service import PROJECT


@pytest.fixture
def artifacts(tiny_artifacts: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_artifacts, tmp_path / "artifacts"))


def write_again(artifacts: Path, original: Bundle) -> str:
    files = {**files_of(original), "report/history.json": b"[]"}
    return write_bundle(artifacts, original.manifest, files, prove=lambda _: None)


def snapshot(artifacts: Path) -> dict[str, bytes]:
    return {
        str(path): path.read_bytes()
        for path in sorted(artifacts.rglob("*"))
        if path.is_file() and path.name != LOCK
    }


def test_what_is_written_is_what_is_read(artifacts: Path) -> None:
    original = read_current(artifacts)
    version = write_again(artifacts, original)
    again = read_bundle(artifacts / version)
    assert files_of(again) == files_of(original)
    assert again.manifest.golden_rows == original.manifest.golden_rows
    assert set(again.manifest.files) == {*files_of(original), "report/history.json"}


def test_a_taken_name_gets_a_number_and_the_old_version_stays(artifacts: Path) -> None:
    original = read_current(artifacts)
    before = snapshot(artifacts)
    names = [write_again(artifacts, original) for _ in range(2)]
    assert names == [f"{original.manifest.version}-2", f"{original.manifest.version}-3"]
    assert [read_bundle(artifacts / name).manifest.version for name in names] == names
    assert before.items() <= snapshot(artifacts).items()


def test_writing_does_not_switch_what_is_served(artifacts: Path) -> None:
    before = current_version(artifacts)
    write_again(artifacts, read_current(artifacts))
    assert current_version(artifacts) == before


def test_switching_names_the_new_version(artifacts: Path) -> None:
    version = write_again(artifacts, read_current(artifacts))
    switch_current(artifacts, version)
    assert read_current(artifacts).manifest.version == version
    assert (artifacts / "CURRENT").read_bytes() == f"{version}\n".encode()


def test_a_bundle_that_the_reader_refuses_leaves_nothing(artifacts: Path) -> None:
    original = read_current(artifacts)
    before = snapshot(artifacts)
    files = dict.fromkeys(files_of(original), b"?")
    with pytest.raises(errors.ShapeError):
        write_bundle(artifacts, original.manifest, files, prove=lambda _: None)
    assert snapshot(artifacts) == before
    assert not list(artifacts.glob(".*.part"))


def test_a_bundle_that_is_not_proved_leaves_nothing(artifacts: Path) -> None:
    def refuse(_: Bundle) -> None:
        raise errors.GoldenRowError("no")

    original = read_current(artifacts)
    before = snapshot(artifacts)
    with pytest.raises(errors.GoldenRowError):
        write_bundle(artifacts, original.manifest, files_of(original), refuse)
    assert snapshot(artifacts) == before


@pytest.mark.parametrize("failing", [1, 2, 3, 4, 5])
def test_a_disk_that_fills_up_leaves_the_old_bundle_whole(
    artifacts: Path, monkeypatch: pytest.MonkeyPatch, failing: int
) -> None:
    original = read_current(artifacts)
    before = snapshot(artifacts)
    calls = 0

    def full(path: Path, content: bytes) -> None:
        nonlocal calls
        calls += 1
        if calls == failing:
            path.write_bytes(content[: len(content) // 2])
            raise OSError(28, "No space left on device")
        write_durably(path, content)

    monkeypatch.setattr("contract.bundle.writer.write_durably", full)
    with pytest.raises(OSError, match="No space left"):
        write_again(artifacts, original)
    assert snapshot(artifacts) == before
    assert read_current(artifacts).manifest == original.manifest


def test_what_a_killed_publisher_left_is_removed_by_the_next_and_nothing_else_is(artifacts: Path) -> None:
    original = read_current(artifacts)
    (artifacts / ".gitkeep").touch()
    (artifacts / ".git").mkdir()
    before = snapshot(artifacts)
    left = artifacts / f".{original.manifest.version}-2.part" / "report"
    left.mkdir(parents=True)
    (left / "history.json").write_text("half of")
    (artifacts / ".CURRENT.part").write_text("half")
    (artifacts / ".elsewhere.part").symlink_to(artifacts / original.manifest.version)
    switch_current(artifacts, original.manifest.version)
    assert snapshot(artifacts) == before
    assert (artifacts / ".git").is_dir()
    assert not list(artifacts.glob(".*.part"))


def test_the_folder_of_the_bundles_is_made_with_those_above_it(
    artifacts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[Path] = []
    monkeypatch.setattr("contract.bundle.durable.sync_directory", synced.append)
    folder = tmp_path / "one" / "two"
    version = write_again(folder, read_current(artifacts))
    assert versions(folder) == [version]
    assert synced == [tmp_path, tmp_path / "one"]


def publish_in_turns(artifacts: Path, source: Path, times: int) -> None:
    """What a publisher does, over and over; a process of its own."""
    original = read_current(source)
    for _ in range(times):
        switch_current(artifacts, write_again(artifacts, original))


def test_publishers_at_the_same_time_lose_nothing_of_each_other(artifacts: Path, tmp_path: Path) -> None:
    together = tmp_path / "together"
    with ProcessPoolExecutor(4, get_context("spawn")) as pool:
        for done in [pool.submit(publish_in_turns, together, artifacts, 5) for _ in range(4)]:
            done.result()
    assert len(versions(together)) == 20
    for version in versions(together):
        read_version(together, version)
    assert current_version(together) in versions(together)
    assert not list(together.glob(".*.part"))


def test_a_folder_that_a_living_publisher_writes_is_left_alone_until_it_is_done(artifacts: Path) -> None:
    """The other one waits; it is not told to come again."""
    original = read_current(artifacts)
    switched = Thread(target=switch_current, args=(artifacts, original.manifest.version))

    def let_the_other_come(_: Bundle) -> None:
        switched.start()
        switched.join(timeout=0.2)
        assert switched.is_alive()

    version = write_bundle(artifacts, original.manifest, files_of(original), let_the_other_come)
    switched.join()
    assert read_version(artifacts, version).graph == original.graph


def test_a_publisher_that_is_killed_keeps_nobody_waiting(artifacts: Path) -> None:
    script = (
        "import os, signal, sys; from pathlib import Path; from contract.bundle import publishing\n"
        "with publishing(Path(sys.argv[1])): os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", script, str(artifacts)], cwd=PROJECT, check=False)
    assert done.returncode == -signal.SIGKILL
    switch_current(artifacts, current_version(artifacts))


def test_who_publishes_may_do_several_things_at_a_time(artifacts: Path) -> None:
    original = read_current(artifacts)
    with publishing(artifacts):
        version = write_again(artifacts, original)
        switch_current(artifacts, version)
    assert current_version(artifacts) == version
