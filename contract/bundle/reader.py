"""Reading a bundle: a ladder of checks, cheapest rung first, one named error per rung.

Each file is read once; what was checked is what is used. The last rung, the golden rows, needs an engine
and is `check_golden_rows`. Nothing here unpickles or runs anything.
"""

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pydantic import ValidationError

from contract.bundle.digest import DIGEST, DIGEST_BYTES, MANIFEST, digest
from contract.bundle.graph import check_graph
from contract.bundle.learnt_phones import LEARNT_PHONES, LearntPhones
from contract.bundle.manifest import FORMAT_VERSION, FileEntry, Manifest
from contract.bundle.pointer import current_version
from contract.bundle.population import POPULATION, Population
from contract.bundle.signature import SIGNATURE, SIGNATURE_BYTES, SigningKey
from contract.bundle.tensors import read_tensors
from contract.bundle.version_names import check_exists
from contract.errors import (
    BundleError,
    ClassError,
    FeatureError,
    FileHashError,
    FileListError,
    FileSizeError,
    FormatVersionError,
    ManifestError,
    SignatureError,
)
from contract.phone import FEATURES, SPECIFICATIONS, PriceRange
from contract.plain_file import read_plain

WEIGHTS = "weights.safetensors"
SCALER = "scaler.joblib"
GRAPH = "model.onnx"
REPORT = "report"
CARD = "report/MODEL_CARD.md"

REQUIRED = frozenset({WEIGHTS, SCALER, GRAPH, POPULATION, LEARNT_PHONES, CARD})

LARGEST_FILE = 256 * 2**20
"""Bytes; no file of a bundle comes near, so a larger one is a mistake or an attack."""


@dataclass(frozen=True)
class Bundle:
    """A bundle that has passed every check short of its golden rows; the files as bytes."""

    manifest: Manifest
    weights: bytes
    scaler: bytes
    graph: bytes
    population: Population
    learnt_phones: LearntPhones
    card: bytes


def read_current(artifacts: Path, key: SigningKey | None = None) -> Bundle:
    """Read the version that CURRENT names. Raises a `BundleError`."""
    return read_version(artifacts, current_version(artifacts), key)


def read_version(artifacts: Path, version: str, key: SigningKey | None = None) -> Bundle:
    """Read the version of that name, which must be signed where there is a key. Raises a `BundleError`."""
    check_exists(artifacts, version)
    bundle = read_bundle(artifacts / version, key)
    if bundle.manifest.version != version:
        raise ManifestError(f"{artifacts / version / MANIFEST} is the manifest of {bundle.manifest.version}")
    return bundle


def read_bundle(directory: Path, key: SigningKey | None = None) -> Bundle:
    """Climb the ladder. Raises the `BundleError` of the first rung that does not hold.

    Without a key a signature says nothing, and is not looked at.
    """
    manifest = _read_manifest(directory, key)
    _check_file_list(directory, manifest)
    _check_sizes(directory, manifest)
    contents = {name: _read_verified(directory / name, entry) for name, entry in manifest.files.items()}
    _check_features(manifest)
    _check_classes(manifest)
    read_tensors(WEIGHTS, contents[WEIGHTS], manifest.architecture.tensor_shapes())
    check_graph(GRAPH, contents[GRAPH])
    return Bundle(
        manifest,
        contents[WEIGHTS],
        contents[SCALER],
        contents[GRAPH],
        Population.read(contents[POPULATION]),
        LearntPhones.read(contents[LEARNT_PHONES]),
        contents[CARD],
    )


def _read_manifest(directory: Path, key: SigningKey | None) -> Manifest:
    path = directory / MANIFEST
    try:
        content = _read_at_most(path, LARGEST_FILE)
    except OSError as error:
        raise ManifestError(f"{path} cannot be read: {error.strerror}") from None
    if key:
        _check_signature(directory / SIGNATURE, content, key)
    try:
        raw = json.loads(content)
    except (ValueError, RecursionError):
        raise ManifestError(f"{path} is not JSON: it was cut short or altered") from None
    found = raw.get("format_version") if isinstance(raw, dict) else None
    if type(found) is int and found != FORMAT_VERSION:
        remedy = "upgrade the service to read it" if found > FORMAT_VERSION else "train again with it"
        raise FormatVersionError(
            f"{path} has format {found}; this release reads format {FORMAT_VERSION}: {remedy}"
        )
    _check_digest(directory / DIGEST, content)
    try:
        return Manifest.model_validate(raw)
    except ValidationError as error:
        first = error.errors(include_input=False, include_context=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise ManifestError(f"{path} is not a manifest: {where}: {first['msg']}") from None


def _check_digest(path: Path, manifest: bytes) -> None:
    try:
        told = _read_at_most(path, DIGEST_BYTES + 1)
    except OSError as error:
        raise ManifestError(f"{path} cannot be read: {error.strerror}") from None
    if told != digest(manifest):
        raise FileHashError(f"{path.with_name(MANIFEST)} was altered: {DIGEST} tells another SHA-256")


def _check_signature(path: Path, manifest: bytes, key: SigningKey) -> None:
    try:
        signature = _read_at_most(path, SIGNATURE_BYTES + 1)
    except OSError as error:
        raise SignatureError(
            f"{path} cannot be read: {error.strerror}; python -m training sign makes it"
        ) from None
    if not key.vouches_for(manifest, signature):
        raise SignatureError(f"{path} does not vouch for {MANIFEST}: altered, or signed with another key")


def _check_file_list(directory: Path, manifest: Manifest) -> None:
    for name in manifest.files:
        if not _is_plain(name):
            raise FileListError(f"{directory / MANIFEST} lists {name!r}, which may not be part of a bundle")
    listed = {*manifest.files, MANIFEST}
    found = _files_below(directory)
    for name in sorted(REQUIRED - listed):
        raise FileListError(f"{directory / MANIFEST} does not list {name}")
    for name in sorted(listed - found):
        raise FileListError(f"{directory / name} is missing")
    for name in sorted(found - listed - {DIGEST, SIGNATURE}):
        raise FileListError(f"{directory / name} is not in the manifest")


def _is_plain(name: str) -> bool:
    """Whether `name` is one of the model's files, or lies directly in the report."""
    path = PurePosixPath(name)
    at_home = name in REQUIRED or path.parent == PurePosixPath(REPORT)
    return at_home and str(path) == name and path.name not in {"", ".."} and "\\" not in name


def _files_below(directory: Path) -> set[str]:
    """All files, by relative path. A link is refused: what it points to can change after the check."""
    found = set()
    for folder, folders, files in os.walk(directory):
        for name in [*folders, *files]:
            path = Path(folder, name)
            if path.is_symlink():
                raise FileListError(f"{path} is a link; a bundle holds plain files only")
        found |= {Path(folder, name).relative_to(directory).as_posix() for name in files}
    return found


def _check_sizes(directory: Path, manifest: Manifest) -> None:
    for name, entry in manifest.files.items():
        size = (directory / name).stat().st_size
        if size != entry.size or size > LARGEST_FILE:
            raise FileSizeError(f"{directory / name} has {size} bytes; the manifest says {entry.size}")


def _read_verified(path: Path, entry: FileEntry) -> bytes:
    try:
        content = _read_at_most(path, entry.size)
    except OSError as error:
        raise BundleError(f"{path} cannot be read: {error.strerror}") from None
    if hashlib.sha256(content).hexdigest() != entry.sha256:
        raise FileHashError(
            f"{path} is not the file that was trained: its SHA-256 differs from the manifest's"
        )
    return content


def _read_at_most(path: Path, size: int) -> bytes:
    return read_plain(path, size)


def _check_features(manifest: Manifest) -> None:
    names = [feature.name for feature in manifest.features]
    for position, (expected, found) in enumerate(zip(FEATURES, names, strict=False)):
        if expected != found:
            raise FeatureError(
                f"feature {position} of the bundle is {found!r}; this release has {expected!r}"
            )
    if len(names) != len(FEATURES):
        raise FeatureError(f"the bundle has {len(names)} features; this release has {len(FEATURES)}")
    for feature in manifest.features:
        low, high = SPECIFICATIONS[feature.name].low, SPECIFICATIONS[feature.name].high
        if not low <= feature.low <= feature.high <= high:
            raise FeatureError(
                f"the bundle was trained on {feature.name} from {feature.low:g} to {feature.high:g}; "
                f"a range within {low:g} to {high:g} is expected"
            )


def _check_classes(manifest: Manifest) -> None:
    expected = [price_range.label for price_range in PriceRange]
    if manifest.classes != expected:
        raise ClassError(f"the bundle predicts {manifest.classes}; this release {expected}")
