"""What the clients' environments hold; of these tests none builds one."""

import re
from pathlib import Path

import pytest

REQUIREMENTS = sorted(Path(__file__).parent.glob("*.txt"))


@pytest.mark.parametrize("requirements", REQUIREMENTS, ids=lambda path: path.stem)
def test_every_version_is_exact_and_nothing_is_heavy(requirements: Path) -> None:
    lines = [line for line in requirements.read_text().splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][A-Za-z0-9.]*", line) for line in lines)
    names = {line.partition("==")[0].lower() for line in lines}
    assert len(names) == len(lines)
    assert "pytest" in names
    assert not names & {"torch", "tensorflow", "jax", "onnxruntime"}


def test_each_client_has_its_tests_and_each_tests_their_client() -> None:
    tests = Path(__file__).parent.glob("with_*.py")
    assert {path.stem for path in REQUIREMENTS} == {path.stem.removeprefix("with_") for path in tests}
