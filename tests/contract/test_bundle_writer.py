import shutil
from pathlib import Path

import pytest

from contract import errors
from contract.bundle import Bundle, current_version, read_bundle, read_current, switch_current, write_bundle
from contract.bundle.durable import write_durably


@pytest.fixture
def artifacts(tiny_artifacts: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_artifacts, tmp_path / "artifacts"))


def write_again(artifacts: Path, original: Bundle) -> str:
    files = {
        "weights.safetensors": original.weights,
        "scaler.joblib": original.scaler,
        "model.onnx": original.graph,
        "report/history.json": b"[]",
    }
    return write_bundle(artifacts, original.manifest, files, prove=lambda _: None)


def snapshot(artifacts: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(artifacts.rglob("*")) if path.is_file()}


def test_what_is_written_is_what_is_read(artifacts: Path) -> None:
    original = read_current(artifacts)
    version = write_again(artifacts, original)
    again = read_bundle(artifacts / version)
    assert (again.weights, again.scaler, again.graph) == (original.weights, original.scaler, original.graph)
    assert again.manifest.golden_rows == original.manifest.golden_rows
    assert set(again.manifest.files) == {
        "weights.safetensors",
        "scaler.joblib",
        "model.onnx",
        "report/history.json",
    }


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
    files = {"weights.safetensors": b"?", "scaler.joblib": b"?", "model.onnx": b"?"}
    with pytest.raises(errors.ShapeError):
        write_bundle(artifacts, original.manifest, files, prove=lambda _: None)
    assert snapshot(artifacts) == before
    assert not list(artifacts.glob(".*"))


def test_a_bundle_that_is_not_proved_leaves_nothing(artifacts: Path) -> None:
    def refuse(_: Bundle) -> None:
        raise errors.GoldenRowError("no")

    original = read_current(artifacts)
    before = snapshot(artifacts)
    with pytest.raises(errors.GoldenRowError):
        write_bundle(
            artifacts,
            original.manifest,
            {
                "weights.safetensors": original.weights,
                "scaler.joblib": original.scaler,
                "model.onnx": original.graph,
            },
            refuse,
        )
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


def test_a_leftover_of_a_crash_does_not_stop_the_next_writer(artifacts: Path) -> None:
    original = read_current(artifacts)
    (artifacts / f".{original.manifest.version}-2").mkdir()
    assert write_again(artifacts, original) == f"{original.manifest.version}-3"
