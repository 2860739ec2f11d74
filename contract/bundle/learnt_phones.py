"""learnt_phones.digests: which phones a model has learnt, without one of them being readable.

A figure that is measured on phones that the model knows flatters it, in whatever order, columns or line ends
they come.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np

from contract.errors import LearntPhonesError
from contract.phone import Specifications

LEARNT_PHONES = "learnt_phones.digests"

DIGEST_BYTES = 8
"""Of each phone: among a million phones two have the same digest once in 40 million data sets."""


@dataclass(frozen=True)
class LearntPhones:
    """The digests of the phones that a model was fitted to."""

    digests: frozenset[bytes]

    @classmethod
    def of(cls, specifications: Specifications) -> Self:
        """Return those of (N, 20) specifications."""
        return cls(frozenset(_digests(specifications)))

    @classmethod
    def read(cls, content: bytes) -> Self:
        """Read the file's content. Raises `LearntPhonesError`."""
        starts = range(0, len(content), DIGEST_BYTES)
        digests = cls(frozenset(content[start : start + DIGEST_BYTES] for start in starts))
        if not content or len(content) % DIGEST_BYTES or digests.to_bytes() != content:
            raise LearntPhonesError(
                f"{LEARNT_PHONES} is no ascending list of digests of {DIGEST_BYTES} bytes, each once"
            )
        return digests

    def to_bytes(self) -> bytes:
        """Return the file's content."""
        return b"".join(sorted(self.digests))

    def share_of(self, specifications: Specifications) -> float:
        """Return the share of (N, 20) phones that the model has learnt, 0 to 1."""
        return float(np.mean([digest in self.digests for digest in _digests(specifications)]))


def _digests(specifications: Specifications) -> Iterable[bytes]:
    rows = specifications.astype("<f4") + 0.0  # as an engine gets them; -0.0 becomes 0.0
    return (hashlib.sha256(row.tobytes()).digest()[:DIGEST_BYTES] for row in rows)
