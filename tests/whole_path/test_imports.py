"""Imports run one way: training -> contract <- service."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.running_service import PROJECT


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(folder)},
    )


def test_the_direction_of_imports_holds() -> None:
    done = lint_imports(PROJECT)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("service/app.py", "import training.loop"),
        ("training/loop.py", "import service.settings"),
        ("contract/phone.py", "import service.settings"),
        ("contract/phone.py", "import fastapi"),
    ],
)
def test_an_import_against_the_direction_is_found(tmp_path: Path, module: str, line: str) -> None:
    for name in ("contract", "service", "training"):
        shutil.copytree(PROJECT / name, tmp_path / name)
    shutil.copy(PROJECT / "pyproject.toml", tmp_path)
    path = tmp_path / module
    path.write_text(f"{path.read_text()}\n{line}\n")
    assert lint_imports(tmp_path).returncode == 1
