"""A table has one reading: whoever reads it, wherever it is cut, its rows or its refusal are the same.

`DRAWN_TABLES` says how many tables of each kind are drawn.
"""

import os
from collections.abc import Callable, Iterator
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from msgspec.json import encode

from contract.errors import InvalidTableError
from service.media_type import CSV, NDJSON
from service.tables.readers import csv, ndjson
from service.tables.readers.csv import CsvReader
from service.tables.readers.ndjson import NdjsonReader
from service.tables.readers.reader import Reader
from service.tables.rows import Rows
from tests.service.tables.drawn_tables import csv_table, ndjson_table

DRAWN_TABLES = int(os.environ.get("DRAWN_TABLES", "2000"))
SEEDS = range(4)

Open = Callable[[bool], Reader]
"""Open a reader, which may keep all columns."""


def told(rows: Rows) -> Iterator[Any]:
    """Give each row: its numbers or what is wrong with it, and what is kept of it."""
    kept = [None] * len(rows) if rows.kept is None else rows.kept.objects(frozenset())
    sound = iter(rows.specifications.tolist())
    for row, own in enumerate(kept):
        wrong = rows.broken.get(row)
        yield encode(own), [item.msg for item in wrong] if wrong else next(sound)


def read(reader: Reader, chunks: list[bytes]) -> Any:
    """Return what is told of all rows, or else the refusal."""
    try:
        pieces = [rows for chunk in chunks for rows in reader.feed(chunk)]
        return [row for rows in [*pieces, *reader.finish()] for row in told(rows)]
    except InvalidTableError as error:
        return [item.msg for item in error.violations]


def cut(content: bytes, chance: Random) -> list[bytes]:
    """Return the table in two to four chunks, in rare cases in one for each byte."""
    places = sorted(chance.randint(0, len(content)) for _ in range(chance.randrange(1, 4)))
    if chance.random() < 0.01:
        places = list(range(1, len(content)))
    return [content[start:end] for start, end in pairwise([0, *places, len(content)])]


class CarefulCsvReader(CsvReader):
    """Looks at each cell."""

    def _quickly(self, piece: bytes) -> list[Rows]:
        return []


class CarefulNdjsonReader(NdjsonReader):
    """Looks at each line."""

    def _quickly(self, *_: Any) -> list[Rows]:
        return []


KINDS: dict[str, tuple[Any, Callable[[Random], bytes], Open, Open]] = {
    CSV: (csv, csv_table, CsvReader, CarefulCsvReader),
    NDJSON: (ndjson, ndjson_table, NdjsonReader, CarefulNdjsonReader),
}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("kind", KINDS)
def test_the_quick_the_careful_and_the_cut_reading_agree(
    kind: str, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    module, draw, quick, careful = KINDS[kind]
    whole = module.PIECE_BYTES
    chance = Random(seed)  # noqa: S311 - tables, no secrets
    for number in range(DRAWN_TABLES // len(SEEDS)):
        keep = number % 2 == 0
        content = draw(chance)
        expected = read(careful(keep), [content])
        assert read(quick(keep), [content]) == expected, content
        monkeypatch.setattr(module, "PIECE_BYTES", chance.choice([280, 400, 600]))
        assert read(quick(keep), cut(content, chance)) == expected, content
        monkeypatch.setattr(module, "PIECE_BYTES", whole)
