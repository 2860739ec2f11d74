"""A field that a phone has twice: parsers of JSON take the last, but which was meant?"""

import json
from collections import Counter
from typing import Any

from fastapi.exceptions import RequestValidationError

from contract.phone import FEATURES

QUOTES = 2 * len(FEATURES)
"""Of a valid phone in JSON: its values are numbers, so only the names are quoted, and each once."""


def may_have_duplicates(body: bytes) -> bool:
    """Whether a valid phone may have a field twice: it has more quotes than there are names."""
    return body.count(b'"') != QUOTES


def refuse_duplicates(body: bytes) -> None:
    """Raise `RequestValidationError` if a valid phone has a field twice."""
    if not may_have_duplicates(body):
        return
    pairs: list[tuple[str, Any]] = json.loads(body, object_pairs_hook=list)
    twice = [name for name, count in Counter(name for name, _ in pairs).items() if count > 1]
    if twice:
        raise RequestValidationError([_duplicate(name) for name in twice])


def _duplicate(name: str) -> dict[str, Any]:
    return {"type": "duplicate_field", "loc": ("body", name), "msg": "This field comes twice; send it once"}
