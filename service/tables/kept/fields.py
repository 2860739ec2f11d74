"""Rows of NDJSON: the fields of each line, as they are written there."""

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec

from contract.phone import Specifications
from contract.violation import Violation
from service.tables.kept.names import free_names
from service.tables.width import check_width
from service.valid_phone import NotPlainlyValid

if TYPE_CHECKING:  # NDJSON to NDJSON goes without
    import pyarrow as pa

Fields = dict[str, msgspec.Raw]

_decode_fields = msgspec.json.Decoder(Fields).decode
_decode_text = msgspec.json.Decoder(str).decode
_REPLACED = "\N{REPLACEMENT CHARACTER}"


class KeptFields:
    """Fields by line; a line may lack some that others have."""

    def __init__(self, names: Sequence[str], lines: list[Fields]) -> None:
        self.names = names
        self._lines = lines

    def slice(self, start: int, count: int) -> "KeptFields":
        return KeptFields(self.names, self._lines[start : start + count])

    def texts(self, names: Sequence[str]) -> "list[pa.Array]":
        import pyarrow as pa

        return [pa.array([_text(line.get(name)) for line in self._lines], pa.string()) for name in names]

    def columns(
        self, names: Sequence[str], specifications: Specifications | None
    ) -> "list[tuple[pa.Field, pa.Array]]":
        from service.tables.kept.cells import numbers_or_texts

        return numbers_or_texts(names, self.texts(names), specifications)

    def objects(self, taken: frozenset[str]) -> list[dict[str, Any]]:
        """Return each line with its own fields and no others, whatever other lines have."""
        return [
            line
            if taken.isdisjoint(line)
            else dict(zip(_free(tuple(line), taken), line.values(), strict=True))
            for line in self._lines
        ]


def read_fields(lines: Sequence[tuple[int, bytes]]) -> tuple[KeptFields, dict[int, Violation]]:
    """Return the fields of numbered lines, and for each line that cannot be kept whole, why."""
    unreadable: dict[int, Violation] = {}
    fields: list[Fields] = []
    for index, (number, line) in enumerate(lines):
        try:
            if not line.isascii():
                line.decode()
            fields.append(_decode_fields(line))
        except NotPlainlyValid as error:
            msg = f"Line {number}: not all of it can be kept: {_cause(error, line)}"
            unreadable[index] = Violation("line_not_kept", ("line", number), msg)
            fields.append(_readable(line))
    names = list({name: None for each in fields for name in each})
    check_width(len(names))
    return KeptFields(names, fields), unreadable


def _cause(error: Exception, line: bytes) -> str:
    """Say why a line cannot be kept, and what to do."""
    if isinstance(error, UnicodeError):
        return "it is not UTF-8 text; send it in UTF-8"
    if b"NaN" in line or b"Infinity" in line:
        return "NaN and Infinity are not JSON; send null"
    return "send a JSON object in UTF-8"


def _readable(line: bytes) -> Fields:
    """Return the fields that bytes which are no UTF-8 are not in; none, if the line is no object."""
    try:
        fields = _decode_fields(line.decode(errors="replace").encode())
    except NotPlainlyValid:
        return {}
    bad = _REPLACED.encode()
    return {name: raw for name, raw in fields.items() if _REPLACED not in name and bad not in bytes(raw)}


def _text(raw: msgspec.Raw | None) -> str | None:
    """Return what a string says, nothing for null, and other values as JSON."""
    if raw is None:
        return None
    written = bytes(raw)
    if written == b"null":
        return None
    return _decode_text(written) if written[:1] == b'"' else written.decode()


@lru_cache(maxsize=1024)
def _free(names: tuple[str, ...], taken: frozenset[str]) -> list[str]:
    return free_names(names, taken)
