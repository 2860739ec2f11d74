"""One thing wrong with an input: where, what was expected, and what to do. Never the input itself."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from typing import Any, TypeAlias, overload

from pydantic import ValidationError

from contract.flag import FLAG_UNIT
from contract.phone import FEATURES, FLAGS, SPECIFICATIONS

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
    if feature in FLAGS:
        return f"{feature} must be {FLAG_UNIT}, or false or true: {spec.description}"
    kind = "a whole number" if spec.whole else "a number"
    return f"{feature} must be {kind} from {spec.low:g} to {spec.high:g} ({spec.unit}): {spec.description}"


class MissingFields:
    """What pydantic finds in a row that lacks these fields and is right otherwise.

    pydantic takes ten times as long to find it, and it is what most broken rows of a table are.
    """

    def __init__(self, names: tuple[str, ...]) -> None:
        self._names = names

    def error_count(self) -> int:
        """Return the number of fields."""
        return len(self._names)

    def errors(self, **left_out: bool) -> list[Any]:
        """Return an error item for each field, as pydantic's method of this name does."""
        del left_out
        return [{"type": "missing", "loc": (name,), "msg": "Field required"} for name in self._names]


Finding: TypeAlias = ValidationError | MissingFields


class Violations(Sequence[Violation]):
    """The violations of one row, worded only when read: of a long table's broken rows, few are reported.

    `violation` translates an error item.
    """

    def __init__(self, finding: Finding, violation: Callable[[Any], Violation]) -> None:
        if isinstance(finding, ValidationError):
            finding = finding.with_traceback(None)  # its frames would be held as long
        self._finding = finding
        self._violation = violation

    def __len__(self) -> int:
        return self._finding.error_count()

    def __iter__(self) -> Iterator[Violation]:
        return iter(self[:])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and self[:] == list(other)

    __hash__ = None  # type: ignore[assignment]

    @overload
    def __getitem__(self, index: int) -> Violation: ...
    @overload
    def __getitem__(self, index: slice) -> list[Violation]: ...
    def __getitem__(self, index: int | slice) -> Violation | list[Violation]:
        # without the input and the context that they may echo
        items = self._finding.errors(include_url=False, include_context=False, include_input=False)
        if isinstance(index, slice):
            return list(map(self._violation, items[index]))
        return self._violation(items[index])


def from_pydantic(finding: Finding, within: Location = (), where: str = "") -> Violations:
    """Translate what pydantic found; `within` is put before each location, `where` before each message."""
    return Violations(finding, lambda item: from_detail(item, within, where))


def from_details(details: Iterable[Any]) -> list[Violation]:
    """Translate pydantic's error items, dropping the input and the context that they may echo."""
    return list(map(from_detail, details))


def from_detail(item: Any, within: Location = (), where: str = "") -> Violation:
    """Translate an error item; `within` is put before its location, `where` before its message."""
    kind, loc = item["type"], tuple(item["loc"])
    return Violation(kind, within + loc, where + _message(kind, loc, item["msg"]))


# pydantic's and FastAPI's own words for these say nothing of what to send
_MESSAGES = {
    "json_invalid": "The body is not JSON",
    "model_attributes_type": "The body must be a JSON object with the 20 specifications of a phone",
    "string_unicode": "The name of a field is not text that UTF-8 can hold",
    "model_type": "Must be a JSON object with the 20 specifications of a phone",
}


def _message(kind: str, loc: Location, msg: str) -> str:
    field = loc[-1] if loc else None
    if kind == "json_invalid" and "hex escape" in msg:
        return f"{_MESSAGES[kind]}: a \\u escape in it is cut off, or is half of a surrogate pair"
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
