"""Some phones, and what POST /predict says of them: the reference of every dialect."""

from typing import Any

import httpx

from contract.phone import EXAMPLE, FEATURES

PHONES = [
    EXAMPLE,
    EXAMPLE | {"ram": 512, "clock_speed": 0.7},
    EXAMPLE | {"ram": 3_900, "m_dep": 0.35},
    EXAMPLE | {"ram": 8_192},  # beyond what the model was trained on
]

ROWS = [[phone[name] for name in FEATURES] for phone in PHONES]

WRONG = EXAMPLE | {"wifi": 2}


def predicted(service: httpx.Client) -> list[dict[str, Any]]:
    """Ask for each phone alone; the model's version is left out."""
    answers = [service.post("/predict", json=phone).raise_for_status().json() for phone in PHONES]
    for answer in answers:
        del answer["model_version"]
    return answers
