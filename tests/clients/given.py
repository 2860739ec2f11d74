"""What the outer run gives to the runs inside the clients' environments: a service, and what it must answer.

It is imported there too, where nothing is sure to be installed but pytest.
"""

import json
import os
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import pytest

GIVEN_FILE = "PHONE_PRICE_CLIENTS_GIVEN"
"""The environment variable that names the file."""

Answer: TypeAlias = Mapping[str, Any]
"""The object of POST /predict, without model_version."""


@dataclass(frozen=True)
class Given:
    """A running service, phones, and what POST /predict answers to each."""

    url: str
    model: str
    version: str
    features: list[str]
    phones: list[dict[str, float]]
    answers: list[dict[str, Any]]
    explained: dict[str, Any]
    """What POST /explain answers to the first phone."""
    locked_url: str = ""
    """A service of the same model that wants `key`."""
    key: str = ""
    endpoints: list[tuple[str, str, str]] = field(default_factory=list)
    """Services on other ports: the port, where phones are predicted, and where it is said to be well."""

    @property
    def address(self) -> str:
        """Host and port, as clients want it that know no scheme."""
        return urlsplit(self.url).netloc

    @property
    def rows(self) -> list[list[float]]:
        """The phones as lists in the order of the features, (N, 20)."""
        return [[phone[name] for name in self.features] for phone in self.phones]

    @property
    def whole(self) -> list[int]:
        """The numbers of the phones that are all whole numbers, as tensors of integers hold them."""
        return [number for number, row in enumerate(self.rows) if all(value == int(value) for value in row)]

    def at(self, numbers: Sequence[int]) -> list[Answer]:
        """Return what is to be answered to some of the phones."""
        return [self.answers[number] for number in numbers]

    def write(self, path: Path) -> None:
        """Leave it to the other run."""
        path.write_text(json.dumps(asdict(self)))


@pytest.fixture(scope="session")
def given() -> Given:
    """What the outer run has left."""
    return Given(**json.loads(Path(os.environ[GIVEN_FILE]).read_text()))


def assert_classes_are(
    expected: Sequence[Answer], classes: Sequence[Any], probabilities: Sequence[Sequence[float]]
) -> None:
    """Classes are those expected, and probabilities the same float32 numbers."""
    assert [int(each) for each in classes] == [answer["price_range"] for answer in expected]
    assert len(probabilities) == len(expected)
    for found, answer in zip(probabilities, expected, strict=True):
        assert array("f", found) == array("f", answer["probabilities"])


def assert_answers_are(expected: Sequence[Answer], answers: Sequence[Answer]) -> None:
    """Whole answers are those expected, and probabilities the same float32 numbers."""
    assert_classes_are(
        expected,
        [answer["price_range"] for answer in answers],
        [answer["probabilities"] for answer in answers],
    )
    for found, answer in zip(answers, expected, strict=True):
        assert found.keys() == answer.keys()
        for name in answer.keys() - {"probabilities", "confidence", "expected_range"}:
            assert found[name] == answer[name]
        for name in ("confidence", "expected_range"):
            assert array("f", [found[name]]) == array("f", [answer[name]])
