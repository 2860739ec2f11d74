"""Every rung of the ladder, each with a bundle that is whole but for one thing."""

import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from sklearn.preprocessing import StandardScaler

from contract import errors
from contract.bundle import (
    FORMAT_VERSION,
    check_golden_rows,
    current_version,
    previous_version,
    read_bundle,
    read_current,
    read_version,
    versions,
)
from contract.phone import FEATURES
from service.engine import load_engine
from training.made_up import PUBLISHED_RANGES, make_up_phones
from trials.altered_bundle import edit_manifest, vouch_for, write_manifest

MODEL_FILES = (
    "weights.safetensors",
    "scaler.joblib",
    "model.onnx",
    "population.safetensors",
    "learnt_phones.digests",
    "report/MODEL_CARD.md",
)


@pytest.fixture
def artifacts(tiny_artifacts: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_artifacts, tmp_path / "artifacts"))


@pytest.fixture
def directory(artifacts: Path) -> Path:
    return artifacts / current_version(artifacts)


def edit_weights(directory: Path, edit: Callable[[dict[str, Any]], None]) -> None:
    path = directory / "weights.safetensors"
    tensors = load_file(path)
    edit(tensors)
    path.unlink()
    save_file(tensors, path)
    vouch_for(directory, path.name)


def test_a_whole_bundle_is_read(artifacts: Path, directory: Path) -> None:
    bundle = read_current(artifacts)
    assert bundle.manifest.version == directory.name
    assert bundle.graph == (directory / "model.onnx").read_bytes()
    check_golden_rows(bundle.manifest.golden_rows, load_engine("onnx", bundle).predict)


def test_a_missing_pointer_is_named(artifacts: Path) -> None:
    (artifacts / "CURRENT").unlink()
    with pytest.raises(errors.PointerError, match="CURRENT does not exist"):
        read_current(artifacts)


@pytest.mark.parametrize(
    "content", ["", "\n", "../elsewhere\n", "/etc\n", "a\nb\n", ".hidden\n", "a b\n", "é\n"]
)
def test_a_pointer_that_names_no_version_is_refused(artifacts: Path, content: str) -> None:
    (artifacts / "CURRENT").write_text(content)
    with pytest.raises(errors.PointerError, match="CURRENT"):
        read_current(artifacts)


def test_a_pointer_to_nothing_is_refused(artifacts: Path) -> None:
    (artifacts / "CURRENT").write_text("nowhere\n")
    with pytest.raises(errors.VersionError, match=f"no version 'nowhere'; it has {versions(artifacts)[0]}"):
        read_current(artifacts)


@pytest.mark.parametrize("name", ["", ".", "..", "../artifacts", ".hidden", "CURRENT", "a/b"])
def test_only_the_name_of_a_version_reads_one(artifacts: Path, name: str) -> None:
    with pytest.raises(errors.VersionError, match="has no version"):
        read_version(artifacts, name)


def test_versions_are_listed_without_what_is_still_being_written(artifacts: Path, directory: Path) -> None:
    shutil.copytree(directory, artifacts / f".{directory.name}-2")
    shutil.copytree(directory, artifacts / "20200101-000000-older")
    (artifacts / "notes.txt").touch()
    assert versions(artifacts) == ["20200101-000000-older", directory.name]
    assert versions(artifacts / "nowhere") == []


def test_a_version_under_another_name_is_refused(artifacts: Path, directory: Path) -> None:
    directory.rename(artifacts / "renamed")
    with pytest.raises(errors.ManifestError, match=f"is the manifest of {directory.name}"):
        read_version(artifacts, "renamed")


def test_a_bundle_under_another_name_is_refused(artifacts: Path, directory: Path) -> None:
    directory.rename(artifacts / "other")
    (artifacts / "CURRENT").write_text("other\n")
    with pytest.raises(errors.ManifestError, match=directory.name):
        read_current(artifacts)


def test_a_manifest_cut_short_anywhere_is_refused(directory: Path) -> None:
    path = directory / "manifest.json"
    whole = path.read_bytes()
    for length in range(0, len(whole.rstrip()), 97):
        path.write_bytes(whole[:length])
        with pytest.raises(errors.ManifestError, match=r"manifest\.json"):
            read_bundle(directory)


def test_an_altered_manifest_is_refused_though_it_is_one(directory: Path) -> None:
    path = directory / "manifest.json"
    whole = path.read_bytes()
    for altered in (whole.rstrip(), whole.replace(b"true", b"false"), b" " + whole):
        assert altered != whole
        path.write_bytes(altered)
        with pytest.raises(errors.FileHashError, match=r"manifest\.json was altered"):
            read_bundle(directory)


def test_the_digest_of_the_manifest_is_one_that_sha256sum_reads(directory: Path) -> None:
    command = ["sha256sum", "--strict", "--check", "manifest.sha256"]
    subprocess.run(command, cwd=directory, check=True)
    (directory / "manifest.sha256").unlink()
    with pytest.raises(errors.ManifestError, match=r"manifest\.sha256 cannot be read"):
        read_bundle(directory)


@pytest.mark.parametrize("content", ["[]", "null", "{}", "[" * 100_000, '{"format_version": "2"}', "\udcff"])
def test_a_manifest_of_another_shape_is_refused(directory: Path, content: str) -> None:
    write_manifest(directory, content.encode("utf-8", "surrogateescape"))
    with pytest.raises(errors.ManifestError, match=r"manifest\.json"):
        read_bundle(directory)


@pytest.mark.parametrize(
    ("other", "remedy"), [(FORMAT_VERSION - 1, "train again"), (FORMAT_VERSION + 1, "upgrade the service")]
)
def test_another_format_version_is_refused_before_anything_else_is_looked_at(
    directory: Path, other: int, remedy: str
) -> None:
    (directory / "manifest.json").write_text(f'{{"format_version": {other}}}')
    with pytest.raises(errors.FormatVersionError, match=f"format {other}; .* {remedy}"):
        read_bundle(directory)


@pytest.mark.parametrize("name", MODEL_FILES)
def test_a_missing_file_is_named(directory: Path, name: str) -> None:
    (directory / name).unlink()
    with pytest.raises(errors.FileListError, match=f"{name} is missing"):
        read_bundle(directory)


@pytest.mark.parametrize("name", MODEL_FILES)
def test_a_file_that_the_manifest_forgets_is_named(directory: Path, name: str) -> None:
    edit_manifest(directory, lambda manifest: manifest["files"].pop(name))
    with pytest.raises(errors.FileListError, match=f"does not list {name}"):
        read_bundle(directory)


@pytest.mark.parametrize("name", ["extra.pkl", "report/extra.png"])
def test_a_file_too_many_is_named(directory: Path, name: str) -> None:
    (directory / name).write_bytes(b"?")
    with pytest.raises(errors.FileListError, match=f"{name} is not in the manifest"):
        read_bundle(directory)


@pytest.mark.parametrize(
    "name",
    ["../weights.safetensors", "/etc/passwd", "report/../x", "report/..", "report/", "deep/er/x", "x", ""],
)
def test_a_listed_name_that_leads_elsewhere_is_refused(directory: Path, name: str) -> None:
    entry = {"sha256": "0" * 64, "size": 1}
    edit_manifest(directory, lambda manifest: manifest["files"].update({name: entry}))
    with pytest.raises(errors.FileListError, match="may not be part of a bundle"):
        read_bundle(directory)


@pytest.mark.parametrize("name", [*MODEL_FILES, "report"])
def test_a_link_is_refused(directory: Path, tmp_path: Path, name: str) -> None:
    moved = tmp_path / "moved"
    (directory / name).rename(moved)
    (directory / name).symlink_to(moved)
    with pytest.raises(errors.FileListError, match=f"{name} is a link"):
        read_bundle(directory)


@pytest.mark.parametrize("name", MODEL_FILES)
@pytest.mark.parametrize("change", [-1, 1])
def test_a_truncated_or_longer_file_is_named(directory: Path, name: str, change: int) -> None:
    path = directory / name
    os.truncate(path, path.stat().st_size + change)
    with pytest.raises(errors.FileSizeError, match=name):
        read_bundle(directory)


@pytest.mark.parametrize("name", MODEL_FILES)
def test_one_altered_bit_is_found(directory: Path, name: str) -> None:
    path = directory / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(errors.FileHashError, match=name):
        read_bundle(directory)


def test_swapped_files_are_found(directory: Path) -> None:
    first, second = directory / "scaler.joblib", directory / "model.onnx"
    content = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(content)
    with pytest.raises((errors.FileSizeError, errors.FileHashError), match="scaler"):
        read_bundle(directory)


def test_features_in_another_order_are_refused(directory: Path) -> None:
    edit_manifest(directory, lambda manifest: manifest["features"].reverse())
    with pytest.raises(errors.FeatureError, match="feature 0 of the bundle is 'wifi'"):
        read_bundle(directory)


def test_a_feature_too_few_is_refused(directory: Path) -> None:
    edit_manifest(directory, lambda manifest: manifest["features"].pop())
    with pytest.raises(errors.FeatureError, match="19 features"):
        read_bundle(directory)


def test_a_regularity_of_what_is_no_feature_is_refused(directory: Path) -> None:
    strange = {"feature": "fc", "not_above": "price"}
    edit_manifest(directory, lambda manifest: manifest["regularities"].append(strange))
    with pytest.raises(errors.ManifestError, match=r"regularities\.4\.not_above: .*not one of the features"):
        read_bundle(directory)


def test_a_population_that_is_not_finite_is_refused(directory: Path) -> None:
    path = directory / "population.safetensors"
    tensors = load_file(path)
    tensors["whitening"][0, 0] = np.inf
    path.unlink()
    save_file(tensors, path)
    vouch_for(directory, path.name)
    with pytest.raises(errors.NonFiniteError, match=r"population\.safetensors: whitening"):
        read_bundle(directory)


def test_other_classes_are_refused(directory: Path) -> None:
    edit_manifest(directory, lambda manifest: manifest["classes"].reverse())
    with pytest.raises(errors.ClassError, match="very high"):
        read_bundle(directory)


def test_weights_of_another_architecture_are_refused(directory: Path) -> None:
    edit_manifest(directory, lambda manifest: manifest["architecture"].update(hidden_layers=[9]))
    with pytest.raises(errors.ShapeError, match=r"layers\.0\.bias has shape \(8,\)"):
        read_bundle(directory)


def test_a_tensor_of_another_shape_is_refused(directory: Path) -> None:
    edit_weights(directory, lambda tensors: tensors.update({"layers.0.bias": np.zeros(7, np.float32)}))
    with pytest.raises(errors.ShapeError, match=r"layers\.0\.bias"):
        read_bundle(directory)


def test_a_tensor_too_many_is_refused(directory: Path) -> None:
    edit_weights(directory, lambda tensors: tensors.update(extra=np.zeros(7, np.float32)))
    with pytest.raises(errors.ShapeError, match="extra"):
        read_bundle(directory)


def test_another_precision_is_refused(directory: Path) -> None:
    edit_weights(directory, lambda tensors: tensors.update({"layers.0.bias": np.zeros(8, np.float64)}))
    with pytest.raises(errors.ShapeError, match="float64"):
        read_bundle(directory)


def test_what_is_no_safetensors_file_is_refused(directory: Path) -> None:
    (directory / "weights.safetensors").write_bytes(b"\xff" * 100)
    vouch_for(directory, "weights.safetensors")
    with pytest.raises(errors.ShapeError, match=r"weights\.safetensors"):
        read_bundle(directory)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_weight_that_is_not_finite_is_refused(directory: Path, value: float) -> None:
    def spoil(tensors: dict[str, Any]) -> None:
        tensors["layers.1.weight"][0, 0] = value

    edit_weights(directory, spoil)
    with pytest.raises(errors.NonFiniteError, match=r"layers\.1\.weight"):
        read_bundle(directory)


@pytest.mark.parametrize("engine", ["onnx", "torch"])
def test_golden_rows_that_do_not_come_out_are_refused(directory: Path, engine: Any) -> None:
    def lie(manifest: dict[str, Any]) -> None:
        manifest["golden_rows"][3]["probabilities"] = [0.25, 0.25, 0.25, 0.25]

    edit_manifest(directory, lie)
    bundle = read_bundle(directory)
    with pytest.raises(errors.GoldenRowError, match="the first, number 3"):
        check_golden_rows(bundle.manifest.golden_rows, load_engine(engine, bundle).predict)


def test_probabilities_that_are_not_numbers_do_not_pass_for_golden_ones(directory: Path) -> None:
    rows = read_bundle(directory).manifest.golden_rows
    with pytest.raises(errors.GoldenRowError, match="16 of 16"):
        check_golden_rows(rows, lambda features: np.full((len(features), 4), np.nan, np.float32))


def test_a_scaler_that_would_run_code_is_never_opened(directory: Path, tmp_path: Path) -> None:
    """The default engine does not unpickle; the torch engine only what has the manifest's hash."""
    sentinel = tmp_path / "sentinel"
    path = directory / "scaler.joblib"
    pickle = f"cos\nsystem\n(S'touch {sentinel}'\ntR.".encode()
    path.write_bytes(pickle.ljust(path.stat().st_size, b"\0"))
    with pytest.raises(errors.FileHashError):
        read_bundle(directory)
    vouch_for(directory, "scaler.joblib")
    load_engine("onnx", read_bundle(directory))
    assert not sentinel.exists()
    # the control: this is a pickle that runs code where one opens it
    with pytest.raises(errors.EngineError, match="holds a int, not a StandardScaler"):
        load_engine("torch", read_bundle(directory))
    assert sentinel.exists()


def test_a_graph_that_onnxruntime_refuses_is_an_engine_error(directory: Path) -> None:
    bundle = read_bundle(directory)
    with pytest.raises(errors.EngineError, match=r"model\.onnx"):
        load_engine("onnx", replace(bundle, graph=b"no graph"))


def test_a_scaler_fitted_on_other_columns_is_refused_by_the_torch_engine(directory: Path) -> None:
    phones = make_up_phones(50, PUBLISHED_RANGES, seed=1)
    joblib.dump(StandardScaler().fit(phones[phones.columns[::-1]]), directory / "scaler.joblib")
    vouch_for(directory, "scaler.joblib")
    with pytest.raises(errors.FeatureError, match="scaler"):
        load_engine("torch", read_bundle(directory))


def test_a_scaler_that_is_no_pickle_is_refused_by_the_torch_engine(directory: Path) -> None:
    (directory / "scaler.joblib").write_bytes(b"?")
    vouch_for(directory, "scaler.joblib")
    with pytest.raises(errors.EngineError, match="cannot be opened"):
        load_engine("torch", read_bundle(directory))


def test_a_version_without_a_manifest_is_named(directory: Path) -> None:
    (directory / "manifest.json").unlink()
    with pytest.raises(errors.ManifestError, match=r"manifest\.json cannot be read: No such file"):
        read_bundle(directory)


def test_a_file_that_is_gone_when_it_is_to_be_read_is_named(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where another process removes the version in that moment."""

    def check_and_remove(*_: object) -> None:
        (directory / "model.onnx").unlink()

    monkeypatch.setattr("contract.bundle.reader._check_sizes", check_and_remove)
    with pytest.raises(errors.BundleError, match=r"model\.onnx cannot be read"):
        read_bundle(directory)


def test_probabilities_of_another_shape_are_no_golden_ones(directory: Path) -> None:
    rows = read_bundle(directory).manifest.golden_rows
    with pytest.raises(errors.GoldenRowError, match=r"expected shape \(16, 4\), computed \(16, 3\)"):
        check_golden_rows(rows, lambda features: np.zeros((len(features), 3), np.float32))


def test_before_there_was_another_version_none_is_told(artifacts: Path) -> None:
    assert previous_version(artifacts) is None


def test_a_pointer_saved_by_an_editor_with_a_byte_order_mark_is_read(artifacts: Path) -> None:
    version = current_version(artifacts)
    for saved in (f"\ufeff{version}\n", f"{version}\r\n"):
        (artifacts / "CURRENT").write_text(saved, encoding="utf-8", newline="")
        assert current_version(artifacts) == version
    (artifacts / "CURRENT").write_text(version, encoding="utf-16")
    with pytest.raises(errors.PointerError, match="UTF-16"):
        current_version(artifacts)


@pytest.mark.parametrize("name", ["CURRENT", "manifest.json", "manifest.sha256", *MODEL_FILES])
def test_what_is_no_plain_file_is_refused_rather_than_waited_for(
    artifacts: Path, directory: Path, name: str
) -> None:
    if name in MODEL_FILES:
        edit_manifest(directory, lambda manifest: manifest["files"][name].update(size=0))
    path = artifacts / name if name == "CURRENT" else directory / name
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(errors.BundleError, match=f"{name} cannot be read: it is a FIFO"):
        read_current(artifacts)


@pytest.mark.parametrize(
    ("low", "high"), [(256, 1e10), (-1, 4000), (4000, 256)], ids=["above", "below", "reversed"]
)
def test_a_trained_range_that_no_phone_has_is_refused(directory: Path, low: float, high: float) -> None:
    at = FEATURES.index("ram")
    edit_manifest(directory, lambda manifest: manifest["features"][at].update(low=low, high=high))
    with pytest.raises(errors.FeatureError, match="was trained on ram from"):
        read_bundle(directory)


def test_a_recipe_nested_too_deep_to_be_told_is_refused(directory: Path) -> None:
    deep: dict[str, Any] = {}
    for _ in range(300):
        deep = {"deep": [deep]}
    for edit in (
        lambda manifest: manifest["recipe"].update(x=deep),
        lambda manifest: manifest["recipe"].update(x=float("inf")),
        lambda manifest: manifest["recipe"].update(x="\ud800"),
    ):
        edit_manifest(directory, edit)
        with pytest.raises(errors.ManifestError, match="is not a manifest: recipe: "):
            read_bundle(directory)


def test_a_split_nested_too_deep_to_be_told_is_refused(directory: Path) -> None:
    deep: list[Any] = []
    for _ in range(300):
        deep = [deep]
    edit_manifest(directory, lambda manifest: manifest["data"]["split"].update(x=deep))
    with pytest.raises(errors.ManifestError, match=r"data\.split: .*nested"):
        read_bundle(directory)
