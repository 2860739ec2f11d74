"""Programs that trials start and that no Python package brings."""

import shutil

PACKAGES = {"h2load": "nghttp2-client", "nginx": "nginx-light", "strace": "strace"}
"""Debian's, of each program."""


class MissingProgramError(Exception):
    """A program or library is not installed; the text says what to install."""


def needed(program: str) -> str:
    """Return the path of a program of `PACKAGES`. Raises `MissingProgramError`."""
    path = shutil.which(program)
    if path is None:
        raise MissingProgramError(f"{program} is not there: apt-get install {PACKAGES[program]}")
    return path
