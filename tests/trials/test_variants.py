"""Every variant that must fail still finds what it patches."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from trials.plan.x2_start import _started
from trials.service import PROJECT, NotStartedError, variant
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
