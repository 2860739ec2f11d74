"""Ctrl-C while a command's libraries are still being imported."""

import signal
import subprocess
import sys

import pytest


@pytest.mark.parametrize("package", ["service", "training"])
@pytest.mark.parametrize("library", ["pydantic", "numpy"])
def test_ctrl_c_amid_the_imports_ends_a_command_in_silence(package: str, library: str) -> None:
    # -v names each module on standard error when it has been imported
    command = [sys.executable, "-v", "-m", package, "--help"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        assert process.stdout
        line = next(line for line in process.stderr if line.startswith(f"import '{library}'"))
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
        assert "Traceback" not in rest, line
        assert process.stdout.read() == ""
    assert process.returncode == -signal.SIGINT
