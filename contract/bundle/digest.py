"""The digest of the manifest, which has those of all other files: `sha256sum --check manifest.sha256`."""

import hashlib

MANIFEST = "manifest.json"
DIGEST = "manifest.sha256"

DIGEST_BYTES = len(f"{'0' * 64}  {MANIFEST}\n")


def digest(manifest: bytes) -> bytes:
    """Return the content of `DIGEST` that goes beside a manifest of these bytes."""
    return f"{hashlib.sha256(manifest).hexdigest()}  {MANIFEST}\n".encode()
