"""With a key, only what somebody signed who has it is a bundle; without one, everything is as it was."""

import hashlib
import hmac
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from contract import errors
from contract.bundle import (
    SigningKey,
    current_version,
    publishing,
    read_bundle,
    read_current,
    read_version,
    sign_version,
    signing_key,
    write_bundle,
)
from tests.bundle_files import files_of
from trials.altered_bundle import edit_manifest

SECRET = "0123456789abcdef" * 2
KEY, OTHER = SigningKey(SECRET), SigningKey("fedcba9876543210" * 2)


@pytest.fixture
def artifacts(tiny_artifacts: Path, tmp_path: Path) -> Path:
    """One version, signed with KEY."""
    folder = Path(shutil.copytree(tiny_artifacts, tmp_path / "artifacts"))
    sign_version(folder, current_version(folder), KEY)
    return folder


@pytest.fixture
def directory(artifacts: Path) -> Path:
    return artifacts / current_version(artifacts)


def test_the_signature_is_the_hmac_of_the_manifest(directory: Path) -> None:
    manifest = (directory / "manifest.json").read_bytes()
    expected = hmac.new(SECRET.encode(), manifest, hashlib.sha256).hexdigest()
    assert (directory / "manifest.hmac").read_text() == f"{expected}\n"


def test_what_is_signed_is_read_with_the_key_and_without(artifacts: Path) -> None:
    with_key, without = read_current(artifacts, KEY), read_current(artifacts)
    assert with_key.manifest == without.manifest
    assert files_of(with_key) == files_of(without)


def test_what_is_not_signed_is_refused_with_a_key(directory: Path) -> None:
    (directory / "manifest.hmac").unlink()
    with pytest.raises(errors.SignatureError, match=r"manifest\.hmac cannot be read: No such file"):
        read_bundle(directory, KEY)
    read_bundle(directory)


def test_another_key_is_refused(artifacts: Path, directory: Path) -> None:
    with pytest.raises(errors.SignatureError, match="signed with another key"):
        read_bundle(directory, OTHER)
    sign_version(artifacts, directory.name, OTHER)
    read_bundle(directory, OTHER)
    with pytest.raises(errors.SignatureError):
        read_bundle(directory, KEY)


@pytest.mark.parametrize(
    "alter",
    [
        lambda signature: b"",
        lambda signature: signature[:-1],
        lambda signature: signature + b"\n",
        lambda signature: signature.upper(),
        lambda signature: b"0" * 64 + b"\n",
        lambda signature: b"\xff" * 65,
        lambda signature: signature * 100_000,
    ],
)
def test_an_altered_signature_is_refused(directory: Path, alter: Callable[[bytes], bytes]) -> None:
    path = directory / "manifest.hmac"
    path.write_bytes(alter(path.read_bytes()))
    with pytest.raises(errors.SignatureError, match=r"manifest\.hmac"):
        read_bundle(directory, KEY)


def test_a_manifest_is_not_parsed_before_its_signature_is_checked(directory: Path) -> None:
    (directory / "manifest.json").write_text("{")
    with pytest.raises(errors.SignatureError):
        read_bundle(directory, KEY)


def test_who_alters_a_file_and_its_hash_but_has_no_key_is_found(directory: Path) -> None:
    """The control: without a key this one is believed."""
    scaler = directory / "scaler.joblib"
    scaler.write_bytes(b"altered")
    entry = {"sha256": hashlib.sha256(b"altered").hexdigest(), "size": 7}
    edit_manifest(directory, lambda manifest: manifest["files"].update({"scaler.joblib": entry}))
    read_bundle(directory)
    with pytest.raises(errors.SignatureError):
        read_bundle(directory, KEY)


def test_a_signed_version_under_another_name_is_refused(artifacts: Path, directory: Path) -> None:
    directory.rename(artifacts / "renamed")
    with pytest.raises(errors.ManifestError, match="is the manifest of"):
        read_version(artifacts, "renamed", KEY)


def test_a_version_is_written_with_its_signature(artifacts: Path) -> None:
    original = read_current(artifacts)
    files = files_of(original)
    version = write_bundle(artifacts, original.manifest, files, lambda _: None, KEY)
    assert read_version(artifacts, version, KEY).manifest.files.keys() == files.keys()


def test_what_is_not_whole_is_not_signed(artifacts: Path, directory: Path) -> None:
    before = (directory / "manifest.hmac").read_bytes()
    (directory / "model.onnx").unlink()
    with pytest.raises(errors.FileListError):
        sign_version(artifacts, directory.name, OTHER)
    assert (directory / "manifest.hmac").read_bytes() == before


def test_a_signer_that_is_killed_leaves_the_bundle_as_it_was(
    artifacts: Path, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", lambda *_: 1 / 0)
        patched.setattr(Path, "unlink", lambda *_, **__: None)
        with pytest.raises(ZeroDivisionError):
            sign_version(artifacts, directory.name, OTHER)
    assert list(artifacts.glob(".*.part"))
    read_version(artifacts, directory.name, KEY)
    with publishing(artifacts):
        assert not list(artifacts.glob(".*.part"))


def test_older_keys_are_believed_and_the_first_one_signs(artifacts: Path, directory: Path) -> None:
    """So one key can follow another while services run."""
    both = SigningKey(f"{'n' * 32} {SECRET}")
    read_bundle(directory, both)
    sign_version(artifacts, directory.name, both)
    read_bundle(directory, SigningKey("n" * 32))
    with pytest.raises(errors.SignatureError):
        read_bundle(directory, KEY)


@pytest.mark.parametrize("text", ["short", "a" * 31, f"{SECRET} short"])
def test_a_key_that_is_too_short_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(errors.KeysError, match="under 32 bytes") as refused:
        signing_key(text)
    assert "short" not in str(refused.value)
    assert "aaa" not in str(refused.value)


def test_no_key_is_none() -> None:
    assert signing_key(" \n") is None


def test_a_key_is_never_shown() -> None:
    assert SECRET not in repr(KEY) + str(KEY)
