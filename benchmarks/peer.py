"""What the benchmarks need to know of a peer: how to start it, how to ask it, how to read its answer."""

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.phones import PHONES, PhoneObject
from benchmarks.virtual_environment import PROJECT, python_with

PROGRAMS = Path(__file__).parent / "peers"


def _price_range_by_name(answer: Any) -> int | None:
    return answer.get("price_range") if isinstance(answer, dict) else None


@dataclass(frozen=True)
class Peer:
    """One way to serve. The body is one phone, in the dialect that the peer's own documentation uses."""

    name: str
    title: str
    module: str
    """What importing costs is the time of importing this."""
    arguments: Callable[[int], list[str]]
    """What follows `python`, for a port."""
    predict: str = "/predict"
    ready: str = "/health"
    body: Callable[[PhoneObject], Any] = dict
    probabilities: Callable[[Any], list[float]] | None = None
    """Reads the four out of the answer; None for a peer that does not predict."""
    price_range: Callable[[Any], int | None] = _price_range_by_name
    """Reads the price range out of the answer; it gives None for a peer that leaves it to the caller."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """What it wants to be told beside the body."""
    environment: Mapping[str, str] = field(default_factory=dict)
    folder: Path = PROJECT
    """Where it is started."""
    requirements: str | None = None
    """File in peers/ with what its virtual environment holds; None for the one that this runs in."""

    @property
    def label(self) -> str:
        """The title, with the version of a peer from elsewhere, as in 'LitServe 0.2.19'."""
        if self.requirements is None:
            return self.title
        lines = (PROGRAMS / self.requirements).read_text().splitlines()
        versions = [line.partition("==")[2] for line in lines if line.startswith(f"{self.name}==")]
        return " ".join([self.title, *versions])

    def python(self) -> Path:
        """Return the Python that runs it; its virtual environment is built if there is none yet."""
        return python_with(PROGRAMS / self.requirements) if self.requirements else Path(sys.executable)

    def command(self, port: int) -> list[str]:
        """Return the command that serves on a port of 127.0.0.1."""
        return [str(self.python()), *self.arguments(port)]

    def bodies(self) -> list[str]:
        """Return a body for each of `PHONES`, as JSON on one line."""
        return [json.dumps(self.body(phone), separators=(",", ":")) for phone in PHONES]
