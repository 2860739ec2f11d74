"""Every variant that must fail still finds what it patches."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from trials.plan.a4_compound_faults import _unlocked
from trials.plan.x2_start import _started
from trials.service import PROJECT, NotStartedError, serving, variant
from trials.variants.writable_root import READ_ONLY

PLUGINS = {"writable_root"}
"""Variants that are no programs, but plugins of pytest."""

PROGRAMS = sorted(
    path.stem
    for path in (PROJECT / "trials/variants").glob("*.py")
    if path.stem != "__init__" and path.stem not in PLUGINS
)


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_name_that_a_variant_patches_exists(name: str, tmp_path: Path) -> None:
    environment = {"TRIAL_GRACE": "1", "TRIAL_HEALTHCHECK": "1", "TRIAL_NOTES": str(tmp_path / "notes")}
    # patches are made, and end with an error where there is nothing to patch, before help is printed
    command = [sys.executable, "-m", f"trials.variants.{name}", "--help"]
    ran = subprocess.run(
        command, cwd=PROJECT, env=os.environ | environment, capture_output=True, text=True, timeout=60
    )
    assert ran.returncode == 0, ran.stderr


def test_what_the_plugin_of_the_images_tests_replaces_is_there() -> None:
    assert READ_ONLY in (PROJECT / "tests/image/test_image.py").read_text()


def test_a_control_that_ends_before_it_is_ready_is_an_error() -> None:
    with pytest.raises(NotStartedError, match="ended with status"):
        _started(variant("no_such_variant"))


@pytest.mark.parametrize("module", sorted((PROJECT / "trials/plan").glob("*.py")), ids=lambda path: path.stem)
def test_every_variant_is_waited_for_until_it_serves(module: Path) -> None:
    """By `serving`, or by X2's own way; else a variant that died would be taken for one that was noticed."""
    tree = ast.parse(module.read_text())
    calls = {ast.unparse(each.func): each for each in ast.walk(tree) if isinstance(each, ast.Call)}
    if "variant" in calls:
        assert "serving" in calls or module.stem == "x2_start"


@pytest.mark.parametrize("name", ["no_such_variant", "hung"])
def test_a_variant_that_dies_is_an_error_of_the_trial(name: str) -> None:
    with pytest.raises(NotStartedError), serving(command=variant(name)):  # "hung" needs TRIAL_GRACE
        pass


def test_a_publisher_that_publishes_nothing_alone_is_no_control(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONHOME", "/nowhere")  # Python itself does not start
    with pytest.raises(NotStartedError):
        _unlocked()
