"""A peer that answers wrong is no peer: each is held against the bundle's own engine before it is timed."""

import httpx
import numpy as np

from benchmarks.errors import BenchmarkError
from benchmarks.phones import PHONES
from benchmarks.server import Server
from contract.phone import Probabilities

TOLERANCE = 1e-4
"""Largest difference of a probability."""


def check_agreement(server: Server, expected: Probabilities) -> None:
    """Ask about every phone; `expected` is (len(PHONES), 4).

    Raises `BenchmarkError` if an answer has another price range or another probability.
    """
    if server.peer.probabilities is None:
        return
    headers = {"content-type": "application/json", **server.peer.headers}
    with httpx.Client(headers=headers, timeout=30) as client:
        for body, phone, right in zip(server.peer.bodies(), PHONES, expected, strict=True):
            answer = client.post(server.url, content=body)
            if not answer.is_success:
                raise BenchmarkError(f"{server.peer.title} answers {answer.status_code}: {answer.text[:300]}")
            found, told = server.peer.probabilities(answer.json()), server.peer.price_range(answer.json())
            price_range = np.argmax(found) if told is None else told
            if not _agree(found, right) or price_range != np.argmax(right):
                raise BenchmarkError(
                    f"{server.peer.title} answers wrong to a phone of {phone['ram']} MB: "
                    f"{answer.text[:300]}, where the bundle says {right.tolist()}"
                )


def _agree(found: list[float], right: Probabilities) -> bool:
    return len(found) == len(right) and np.allclose(found, right, rtol=0, atol=TOLERANCE)
