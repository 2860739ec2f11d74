"""Writing a bundle: beside, synced, verified by the reader, renamed. A crash leaves all of it or nothing."""

import hashlib
import shutil
from collections.abc import Callable, Mapping
from itertools import count
from pathlib import Path
from typing import TypeAlias

from contract.bundle.durable import sync_directory, write_durably
from contract.bundle.manifest import FileEntry, Manifest
from contract.bundle.reader import MANIFEST, Bundle, read_bundle

BundleFiles: TypeAlias = Mapping[str, bytes]
"""Content by relative path, the manifest left out."""


def write_bundle(
    artifacts: Path, manifest: Manifest, files: BundleFiles, prove: Callable[[Bundle], None]
) -> str:
    """Write a new version and return its name, which is `manifest.version`, numbered where that is taken.

    The manifest's list of files is made here. `prove` gets the bundle as the reader read it back and raises
    if it does not reproduce its golden rows; then nothing of the version stays. CURRENT is left alone.
    """
    artifacts.mkdir(parents=True, exist_ok=True)
    version, beside = _reserve(artifacts, manifest.version)
    try:
        entries = {
            name: FileEntry(sha256=hashlib.sha256(content).hexdigest(), size=len(content))
            for name, content in files.items()
        }
        complete = manifest.model_copy(update={"version": version, "files": entries})
        _write_files(beside, {**files, MANIFEST: complete.model_dump_json(indent=2).encode() + b"\n"})
        prove(read_bundle(beside))
        beside.rename(artifacts / version)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    sync_directory(artifacts)
    return version


def _reserve(artifacts: Path, wanted: str) -> tuple[str, Path]:
    """Take a free version name. Making the folder beside is the lock: only its maker may rename it."""
    for number in count(1):
        version = wanted if number == 1 else f"{wanted}-{number}"
        beside = artifacts / f".{version}"
        try:
            beside.mkdir()
        except FileExistsError:
            continue
        if not (artifacts / version).exists():
            return version, beside
        beside.rmdir()
    raise AssertionError("unreachable: count() does not end")


def _write_files(directory: Path, files: BundleFiles) -> None:
    for name, content in files.items():
        path = directory / name
        path.parent.mkdir(exist_ok=True)
        write_durably(path, content)
    for folder in sorted({(directory / name).parent for name in files}):
        sync_directory(folder)
