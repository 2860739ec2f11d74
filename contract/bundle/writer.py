"""Writing a bundle: beside, synced, verified by the reader, renamed. A crash leaves all of it or nothing."""

import hashlib
import shutil
from collections.abc import Callable, Mapping
from itertools import chain, count
from pathlib import Path
from typing import TypeAlias

from contract.bundle.digest import DIGEST, MANIFEST, digest
from contract.bundle.durable import sync_directory, write_durably
from contract.bundle.lock import beside, publishing
from contract.bundle.manifest import FileEntry, Manifest
from contract.bundle.reader import Bundle, read_bundle, read_version
from contract.bundle.signature import SIGNATURE, SigningKey

BundleFiles: TypeAlias = Mapping[str, bytes]
"""Content by relative path, the manifest left out."""


def write_bundle(
    artifacts: Path,
    manifest: Manifest,
    files: BundleFiles,
    prove: Callable[[Bundle], None],
    key: SigningKey | None = None,
) -> str:
    """Write a new version and return its name, which is `manifest.version`, numbered where that is taken.

    The manifest's list of files is made here, and its signature where there is a key. `prove` gets the
    bundle as the reader read it back and raises if it does not reproduce its golden rows; then nothing of the
    version stays. CURRENT is left alone.
    """
    with publishing(artifacts):
        version = _free_name(artifacts, manifest.version)
        entries = {
            name: FileEntry(sha256=hashlib.sha256(content).hexdigest(), size=len(content))
            for name, content in files.items()
        }
        complete = manifest.model_copy(update={"version": version, "files": entries})
        told = complete.model_dump_json(indent=2).encode() + b"\n"
        signed = {SIGNATURE: key.sign(told)} if key else {}
        made = beside(artifacts / version)
        try:
            _write_files(made, {**files, MANIFEST: told, DIGEST: digest(told), **signed})
            prove(read_bundle(made, key))
            made.rename(artifacts / version)
        finally:
            shutil.rmtree(made, ignore_errors=True)
        sync_directory(artifacts)
    return version


def sign_version(artifacts: Path, version: str, key: SigningKey) -> None:
    """Sign a version that has no signature, or one of another key. Raises a `BundleError` if it is not whole.

    The signature is made outside of the folder: what a killed signer leaves is no part of the bundle.
    """
    with publishing(artifacts):
        read_version(artifacts, version)
        directory, made = artifacts / version, beside(artifacts / version)
        try:
            write_durably(made, key.sign((directory / MANIFEST).read_bytes()))
            made.replace(directory / SIGNATURE)
        finally:
            made.unlink(missing_ok=True)
        sync_directory(directory)


def _free_name(artifacts: Path, wanted: str) -> str:
    names = chain([wanted], (f"{wanted}-{number}" for number in count(2)))
    return next(name for name in names if not (artifacts / name).exists())


def _write_files(directory: Path, files: BundleFiles) -> None:
    for name, content in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_durably(path, content)
    for folder in sorted({(directory / name).parent for name in files}, reverse=True):
        sync_directory(folder)
