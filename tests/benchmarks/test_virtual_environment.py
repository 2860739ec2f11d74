from pathlib import Path

import pytest

from benchmarks.errors import BenchmarkError
from benchmarks.virtual_environment import python_with


def test_an_environment_is_built_once_and_anew_when_its_requirements_change(tmp_path: Path) -> None:
    """Requirements of nothing need no package index."""
    requirements = tmp_path / "peer.txt"
    requirements.write_text("# nothing\n")
    python = python_with(requirements, tmp_path / "environments")
    assert python == tmp_path / "environments/peer/bin/python"
    assert python.exists()

    mark = python.parent / "mark"
    mark.touch()
    python_with(requirements, tmp_path / "environments")
    assert mark.exists()

    requirements.write_text("# still nothing\n")
    python_with(requirements, tmp_path / "environments")
    assert not mark.exists()


def test_an_environment_that_pip_could_not_fill_is_not_taken_for_built(tmp_path: Path) -> None:
    requirements = tmp_path / "peer.txt"
    requirements.write_text(f"{tmp_path}/no-such-package.whl\n")
    for _ in range(2):
        with pytest.raises(BenchmarkError, match=r"pip could not install peer.txt"):
            python_with(requirements, tmp_path / "environments")
