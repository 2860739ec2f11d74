"""Scoring a table in a file: the service's rules and numbers without the service."""

from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import NamedTuple, TypeAlias

import numpy as np

from contract.errors import InvalidTableError
from service.media_type import PARQUET
from service.prediction import LABELS, Predictions
from service.predictor import load_predictor
from service.scoring.table_file import (
    cannot_be_scored,
    check_apart,
    chunks,
    kind_of,
    opened,
    position,
    seekable,
    written_beside,
)
from service.settings import Settings
from service.tables.choices import OnError
from service.tables.readers import open_reader
from service.tables.scoring import TableScorer
from service.tables.writers import open_writer

Watch: TypeAlias = Callable[[int, int], None]
"""Is told the rows that are done, and the bytes that are read."""


class Counts:
    """Counts the predictions that it sees, by range."""

    def __init__(self) -> None:
        self.by_range = np.zeros(len(LABELS), dtype=np.int64)

    def __call__(self, predictions: Predictions) -> None:
        self.by_range += np.bincount(predictions.price_range, minlength=len(LABELS))

    def by_label(self) -> dict[str, int]:
        return dict(zip(LABELS, self.by_range.tolist(), strict=True))


class Outcome(NamedTuple):
    """What came of a table."""

    version: str
    rows: int
    broken: int
    by_range: dict[str, int]
    seconds: float

    def told(self) -> str:
        """Tell it in a sentence."""
        found = ", ".join(f"{count:,} {label}" for label, count in self.by_range.items())
        broken = f"; {self.broken:,} broken" if self.broken else ""
        return (
            f"{self.rows:,} rows scored by {self.version} in {self.seconds:.1f} s "
            f"({self.rows / self.seconds:,.0f} rows/s): {found}{broken}"
        )


def score(
    settings: Settings,
    source: Path,
    target: Path,
    *,
    kinds: tuple[str, str],
    keep: bool,
    on_error: OnError,
    watch: Watch,
) -> Outcome:
    """Score a table; what stood in the target's place stays there unless all goes well.

    `kinds` are the endings that standard input and output are taken to have.
    Raises a `PhonePriceError` where the bundle, a file or a row is wrong.
    """
    start = perf_counter()
    source_kind, target_kind = kind_of(source, kinds[0]), kind_of(target, kinds[1])
    check_apart(source, target)
    predictor = load_predictor(settings)
    counts = predictor.watch = Counts()
    with opened(source) as read, seekable(source, read) as whole, written_beside(target) as write:
        reader = open_reader(source_kind, keep, whole, max_phones=0)
        writer = open_writer(target_kind, predictor.version, errors=on_error is OnError.SKIP, keep=keep)
        scorer = TableScorer(predictor, reader, writer, on_error, max_rows=None)
        # the reader of Parquet reads its file itself
        fed = chunks(read) if source_kind != PARQUET or whole is not read else ()
        try:
            for content in scorer.score(fed):
                write.write(content)
                watch(scorer.rows, position(read))
        except InvalidTableError as error:
            raise cannot_be_scored(source, error) from None
    seconds = perf_counter() - start
    return Outcome(predictor.version, scorer.rows, scorer.broken, counts.by_label(), seconds)
