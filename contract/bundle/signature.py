"""The signature of a bundle: HMAC-SHA256 (RFC 2104) over its manifest, which has the SHA-256 of all else."""

import hashlib
import hmac

from contract.errors import KeysError

SIGNATURE = "manifest.hmac"

SIGNATURE_BYTES = 65
"""64 hexadecimal digits and the end of the line."""

LEAST_BYTES = 32
"""Of a key: as many as the hash has, below which RFC 2104 discourages it."""


class SigningKey:
    """A secret that vouches for manifests, and older ones that are still believed.

    They come as text, by spaces. Raises `KeysError` for one that is too short.
    """

    def __init__(self, text: str) -> None:
        self._secrets = [secret.encode() for secret in text.split()]
        if any(len(secret) < LEAST_BYTES for secret in self._secrets):
            raise KeysError(
                f"PHONE_PRICE_SIGNING_KEY has a key under {LEAST_BYTES} bytes: "
                "make one with openssl rand -hex 32"
            )

    def sign(self, manifest: bytes) -> bytes:
        """Return the signature that goes beside a manifest of these bytes."""
        return _signature(self._secrets[0], manifest)

    def vouches_for(self, manifest: bytes, signature: bytes) -> bool:
        """Whether the signature was made with one of the keys, for exactly these bytes."""
        made = [_signature(secret, manifest) for secret in self._secrets]
        return any(hmac.compare_digest(each, signature) for each in made)


def signing_key(text: str) -> SigningKey | None:
    """Return the key in `text`; None where there is none, and nobody signs or asks for a signature."""
    return SigningKey(text) if text.strip() else None


def _signature(secret: bytes, manifest: bytes) -> bytes:
    return hmac.new(secret, manifest, hashlib.sha256).hexdigest().encode() + b"\n"
