"""The fast path, the plain handler, every kind of table, `score` and torch agree on all real phones."""

import subprocess
import sys
from pathlib import Path

import httpx
import numpy as np
import pytest

from contract.bundle import read_current
from contract.phone import FEATURES, Probabilities
from service.engine import load_engine
from service.media_type import CSV, JSON, TABLES
from tests.running_service import ARTIFACTS, PROJECT
from tests.tables import Row, body, probabilities, rows
from tests.whole_path.test_real_data import read_rows

FAST, PLAIN = JSON, f"{JSON}; charset=utf-8"
"""The fast path takes a request by its exact Content-Type; another spelling goes down FastAPI's own path."""


@pytest.fixture(scope="module")
def phones(real_table: Path, unlabelled_table: Path) -> list[Row]:
    found = [*read_rows(real_table), *read_rows(unlabelled_table)]
    assert len(found) == 3_000
    return found


@pytest.fixture(scope="module")
def expected(phones: list[Row]) -> Probabilities:
    """What torch says, (3000, 4)."""
    matrix = np.array([[phone[name] for name in FEATURES] for phone in phones], dtype=np.float32)
    return load_engine("torch", read_current(ARTIFACTS)).predict(matrix)


@pytest.mark.parametrize("content_type", [FAST, PLAIN], ids=["fast path", "plain handler"])
def test_one_by_one(
    service: httpx.Client, phones: list[Row], expected: Probabilities, content_type: str
) -> None:
    headers = {"Content-Type": content_type}
    answers = [service.post("/predict", content=body_of(phone), headers=headers).json() for phone in phones]
    found = [answer["probabilities"] for answer in answers]
    assert found == pytest.approx(expected, abs=1e-5)


def body_of(phone: Row) -> bytes:
    return body(JSON, [phone])[len('{"phones": [') : -len("]}")]


@pytest.mark.parametrize("kind", TABLES)
def test_as_a_table(service: httpx.Client, phones: list[Row], expected: Probabilities, kind: str) -> None:
    headers = {"Content-Type": kind, "Accept": kind}
    response = service.post("/predict/batch", content=body(kind, phones), headers=headers)
    found = [probabilities(kind, answer) for answer in rows(kind, response.content)]
    assert found == pytest.approx(expected, abs=1e-5)


def test_from_file_to_file(phones: list[Row], expected: Probabilities, tmp_path: Path) -> None:
    source, target = tmp_path / "phones.csv", tmp_path / "answers.csv"
    source.write_bytes(body(CSV, phones))
    command = [
        sys.executable,
        "-m",
        "service",
        "score",
        str(source),
        str(target),
        "--artifacts",
        str(ARTIFACTS),
    ]
    subprocess.run(command, cwd=PROJECT, check=True, capture_output=True)
    found = [probabilities(CSV, answer) for answer in rows(CSV, target.read_bytes())]
    assert found == pytest.approx(expected, abs=1e-5)
