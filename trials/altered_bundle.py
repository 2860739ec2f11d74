"""Bundles altered by one who vouches for it: the digest fits what was altered."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from contract.bundle.digest import DIGEST, MANIFEST, digest


def write_manifest(directory: Path, content: bytes) -> None:
    """Write a manifest and its digest."""
    (directory / MANIFEST).write_bytes(content)
    (directory / DIGEST).write_bytes(digest(content))


def edit_manifest(directory: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    """Change what the manifest says, and its digest with it."""
    manifest = json.loads((directory / MANIFEST).read_bytes())
    edit(manifest)
    write_manifest(directory, json.dumps(manifest).encode())


def vouch_for(directory: Path, name: str) -> None:
    """Give the manifest the hash and size of a file that was changed."""
    content = (directory / name).read_bytes()
    entry = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
    edit_manifest(directory, lambda manifest: manifest["files"].update({name: entry}))
