"""The service that notes what is unpickled and which of some libraries are imported, while it lives.

TRIAL_NOTES names the file. With TRIAL_UNPICKLE it unpickles the scaler at its start, with TRIAL_IMPORT it
imports that library: the controls.
"""

import importlib
import os
import sys
import time
from pathlib import Path
from threading import Thread

UNWANTED = ("joblib", "sklearn", "torch", "pandas", "scipy")

LOOK_SECONDS = 0.05
"""Time between two looks at what is imported. No exit handler would do: a signal ends the process."""

_notes = Path(os.environ["TRIAL_NOTES"])


def _note(what: str) -> None:
    with _notes.open("a") as file:
        file.write(f"{what}\n")


def _watch(event: str, arguments: tuple[object, ...]) -> None:
    if event == "pickle.find_class":
        _note(f"pickle.find_class {arguments[0]}.{arguments[1]}")


def _note_imports() -> None:
    noted: set[str] = set()
    while True:
        for name in sys.modules.keys() & set(UNWANTED) - noted:
            _note(f"imported {name}")
            noted.add(name)
        time.sleep(LOOK_SECONDS)


sys.addaudithook(_watch)
Thread(target=_note_imports, daemon=True).start()

from service.__main__ import app  # noqa: E402 - what it imports is watched

if "TRIAL_UNPICKLE" in os.environ:
    import joblib

    joblib.load(os.environ["TRIAL_UNPICKLE"])

if "TRIAL_IMPORT" in os.environ:
    importlib.import_module(os.environ["TRIAL_IMPORT"])

app()
