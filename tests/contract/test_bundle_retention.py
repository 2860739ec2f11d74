"""Old versions go, and none that anybody may still need."""

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from contract import errors
from contract.bundle import (
    current_version,
    hold_version,
    previous_version,
    publishing,
    remove_old_versions,
    switch_current,
    versions,
)
from tests.running_service import PROJECT


@pytest.fixture
def artifacts(tiny_artifacts: Path, tmp_path: Path) -> Path:
    """Five versions, v1 to v5, of which the newest is served, and v4 was before."""
    folder = tmp_path / "artifacts"
    original = tiny_artifacts / current_version(tiny_artifacts)
    for number in range(1, 6):
        shutil.copytree(original, folder / f"v{number}")
        switch_current(folder, f"v{number}")
    return folder


def test_the_newest_stay(artifacts: Path) -> None:
    assert remove_old_versions(artifacts, keep=3) == (["v1", "v2"], [])
    assert versions(artifacts) == ["v3", "v4", "v5"]


def test_with_fewer_than_may_stay_nothing_happens(artifacts: Path) -> None:
    assert remove_old_versions(artifacts, keep=9) == ([], [])
    assert versions(artifacts) == ["v1", "v2", "v3", "v4", "v5"]


def test_what_is_served_and_what_was_served_before_stay_however_old(artifacts: Path) -> None:
    switch_current(artifacts, "v2")
    switch_current(artifacts, "v1")
    assert (previous_version(artifacts), current_version(artifacts)) == ("v2", "v1")
    assert remove_old_versions(artifacts, keep=1) == (["v3", "v4"], [])
    assert versions(artifacts) == ["v1", "v2", "v5"]


def test_serving_again_what_is_served_does_not_forget_what_was_served_before(artifacts: Path) -> None:
    switch_current(artifacts, "v5")
    assert previous_version(artifacts) == "v4"


@pytest.mark.parametrize("content", [None, "", "../elsewhere\n"])
def test_where_nothing_is_known_to_be_served_nothing_is_removed(artifacts: Path, content: str | None) -> None:
    pointer = artifacts / "CURRENT"
    pointer.unlink() if content is None else pointer.write_text(content)
    with pytest.raises(errors.PointerError):
        remove_old_versions(artifacts, keep=1)
    assert len(versions(artifacts)) == 5


def test_a_version_that_is_held_stays_until_it_is_released(artifacts: Path) -> None:
    holds = [hold_version(artifacts, "v1") for _ in range(2)]
    assert remove_old_versions(artifacts, keep=2) == (["v2", "v3"], ["v1"])
    for hold in holds:
        assert hold is not None
        assert remove_old_versions(artifacts, keep=2) == ([], ["v1"])
        hold.release()
    assert remove_old_versions(artifacts, keep=2) == (["v1"], [])


def test_a_hold_ends_with_the_process_that_had_it(artifacts: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from contract.bundle import hold_version\n"
        "hold = hold_version(Path(sys.argv[1]), 'v1'); print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(artifacts)],
        cwd=PROJECT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        assert remove_old_versions(artifacts, keep=2).held == ["v1"]
        holder.send_signal(signal.SIGKILL)
    assert remove_old_versions(artifacts, keep=2).removed == ["v1"]


def test_a_version_that_is_being_removed_cannot_be_held(
    artifacts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    too_late = []

    def try_to_hold(path: Path) -> None:
        with pytest.raises(errors.VersionError, match=f"{path.name} is being removed"):
            hold_version(artifacts, path.name)
        too_late.append(path.name)

    monkeypatch.setattr("contract.bundle.retention._take_away", try_to_hold)
    remove_old_versions(artifacts, keep=4)
    assert too_late == ["v1"]


def test_what_cannot_be_read_is_not_held(artifacts: Path) -> None:
    assert hold_version(artifacts, "nowhere") is None


def test_a_version_without_a_manifest_is_removed(artifacts: Path) -> None:
    (artifacts / "v1" / "manifest.json").unlink()
    assert remove_old_versions(artifacts, keep=4) == (["v1"], [])


def test_a_removal_that_is_cut_short_leaves_nothing_that_counts_as_a_version(
    artifacts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut_short(path: Path) -> None:
        (path / "model.onnx").unlink()
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr("contract.bundle.retention.shutil.rmtree", cut_short)
        with pytest.raises(OSError, match="Input/output"):
            remove_old_versions(artifacts, keep=3)
    assert versions(artifacts) == ["v2", "v3", "v4", "v5"]
    assert remove_old_versions(artifacts, keep=3) == (["v2"], [])
    assert sorted(path.name for path in artifacts.iterdir()) == [
        ".lock",
        "CURRENT",
        "PREVIOUS",
        "v3",
        "v4",
        "v5",
    ]


def test_nobody_removes_while_somebody_publishes(artifacts: Path) -> None:
    """A version is safe from when it is written to when it is the served one."""
    script = (
        "import sys; from pathlib import Path; from contract.bundle import remove_old_versions\n"
        "print(remove_old_versions(Path(sys.argv[1]), keep=1).removed)"
    )
    with publishing(artifacts):
        remover = subprocess.Popen(
            [sys.executable, "-c", script, str(artifacts)], cwd=PROJECT, stdout=subprocess.PIPE, text=True
        )
        with pytest.raises(subprocess.TimeoutExpired):
            remover.communicate(timeout=2)
        switch_current(artifacts, "v1")
    assert remover.communicate(timeout=30)[0] == "['v2', 'v3', 'v4']\n"
