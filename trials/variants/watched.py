"""The service that notes what is unpickled, and at its end which of some libraries it has imported.

TRIAL_NOTES names the file. With TRIAL_UNPICKLE it unpickles the scaler at its start: the control.
"""

import atexit
import os
import sys
from pathlib import Path

UNWANTED = ("joblib", "sklearn", "torch", "pandas", "scipy")

_notes = Path(os.environ["TRIAL_NOTES"])


def _note(what: str) -> None:
    with _notes.open("a") as file:
        file.write(f"{what}\n")


def _watch(event: str, arguments: tuple[object, ...]) -> None:
    if event == "pickle.find_class":
        _note(f"pickle.find_class {arguments[0]}.{arguments[1]}")


sys.addaudithook(_watch)


@atexit.register
def _note_imports() -> None:
    for name in UNWANTED:
        if name in sys.modules:
            _note(f"imported {name}")


from service.__main__ import app  # noqa: E402 - what it imports is watched

if "TRIAL_UNPICKLE" in os.environ:
    import joblib

    joblib.load(os.environ["TRIAL_UNPICKLE"])

app()
