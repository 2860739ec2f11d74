"""One thing wrong with an input: where, what was expected, and what to do. Never the input itself."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from typing import Any, TypeAlias

from pydantic import ValidationError

from contract.phone import FEATURES, FLAG_UNIT, SPECIFICATIONS

Location: TypeAlias = tuple[str | int, ...]
"""Where in the input, from the outside in: ("body", "phones", 3, "ram")."""


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken rule, in the shape of FastAPI's error items."""

    type: str
    loc: Location
    msg: str


@cache
def expectation(feature: str) -> str:
    """Say what a feature must be: 'ram must be a whole number from 1 to 65536 (MB): Working memory'."""
    spec = SPECIFICATIONS[feature]
    if spec.unit == FLAG_UNIT:
        return f"{feature} must be {FLAG_UNIT}: {spec.description}"
    kind = "a whole number" if spec.whole else "a number"
    return f"{feature} must be {kind} from {spec.low:g} to {spec.high:g} ({spec.unit}): {spec.description}"


def from_pydantic(error: ValidationError, within: Location = (), where: str = "") -> list[Violation]:
    """Translate a pydantic error; `within` is put before each location, `where` before each message."""
    details = error.errors(include_url=False, include_context=False, include_input=False)
    return from_details(details, within, where)


def from_details(details: Iterable[Any], within: Location = (), where: str = "") -> list[Violation]:
    """Translate pydantic's error items, dropping the input and the context that they may echo."""
    return [
        Violation(kind, within + tuple(loc), where + _message(kind, loc, item["msg"]))
        for item in details
        for kind, loc in [(item["type"], item["loc"])]
    ]


# pydantic's and FastAPI's own words for these say nothing of what to send
_MESSAGES = {
    "json_invalid": "The body is not JSON",
    "model_attributes_type": "The body must be a JSON object with the 20 specifications of a phone",
    "string_unicode": "The name of a field is not text that UTF-8 can hold",
    "model_type": "Must be a JSON object with the 20 specifications of a phone",
}


def _message(kind: str, loc: Location, msg: str) -> str:
    field = loc[-1] if loc else None
    if kind in _MESSAGES:
        return _MESSAGES[kind]
    if kind == "extra_forbidden" and isinstance(field, str):
        return f"No such field; remove it.{_did_you_mean(field)}"
    if isinstance(field, str) and field in SPECIFICATIONS:
        return f"{msg}. {expectation(field)}"
    return msg


def _did_you_mean(name: str) -> str:
    if name in SPECIFICATIONS:  # in the wrong place, not misspelt
        return ""
    close = get_close_matches(name[:64], FEATURES, n=1)
    return f" Did you mean {close[0]}?" if close else ""
