"""The key that signs bundles, and without whose signature none is believed: PHONE_PRICE_SIGNING_KEY."""

import os

from contract.bundle import SigningKey, signing_key

VARIABLE = "PHONE_PRICE_SIGNING_KEY"


def key_of_environment() -> SigningKey | None:
    """Return the key; None where none is set. Raises `KeysError` for one that is too short."""
    return signing_key(os.environ.get(VARIABLE, ""))
