"""Standard error without what libraries write there past Python."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr


@contextmanager
def only_pythons_words() -> Iterator[None]:
    """Take standard error away from all but Python: Ray's lower half writes there what its logs hold, too."""
    sys.stderr.flush()
    own = os.dup(2)
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 2)
    os.close(nothing)
    try:
        with open(own, "w", buffering=1, closefd=False) as python, redirect_stderr(python):
            yield
    finally:
        os.dup2(own, 2)
        os.close(own)
