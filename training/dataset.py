"""A CSV of phones with their price ranges -> a checked data set -> its named parts."""

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split

from contract.errors import DataError, InvalidTableError
from contract.phone import FEATURES, FeatureMatrix, Phone, PriceRange, whole
from contract.plain_file import read_plain
from contract.table import read_table
from contract.violation import Violation
from training.copies import Copies, count_copies, rows_by_phone
from training.labels import LABEL, RANGES, other_labels
from training.recipe import Split

FEWEST_PER_RANGE = 10
"""Phones of each price range below which neither a fit nor a figure means anything."""

REPORTED_PROBLEMS = 10

Positions: TypeAlias = NDArray[np.int64]
"""Of phones in a part."""


class LabelledPhone(Phone):
    """A phone and the price range it sold in."""

    price_range: float = whole("Price range: 0 low, 1 medium, 2 high, 3 very high", "class", 0, 3, 1)


@dataclass(frozen=True)
class Part:
    """Some of the phones: `features` (N, 20) by name, `labels` (N,) from 0 to 3."""

    features: pd.DataFrame
    labels: pd.Series

    def __len__(self) -> int:
        return len(self.labels)

    def rows(self, positions: Positions) -> "Part":
        """Return the phones at these positions."""
        return Part(self.features.iloc[positions], self.labels.iloc[positions])

    @property
    def matrix(self) -> FeatureMatrix:
        """The features as an engine gets them."""
        return self.features.to_numpy(np.float32)

    @property
    def classes(self) -> NDArray[np.int64]:
        """The labels as an array of their own, which torch may share."""
        return self.labels.to_numpy(np.int64, copy=True)

    @property
    def copies(self) -> Copies:
        """How many of the phones are there more than once."""
        return count_copies(self.features, self.labels)


@dataclass(frozen=True)
class Dataset:
    """All phones of a table, and which table it was."""

    name: str
    sha256: str
    phones: Part


def default_path() -> Path:
    """The table to train on when none is named."""
    if named := os.environ.get("PHONE_PRICE_DATA"):
        return Path(named)
    own = Path("data/phones.csv")
    return own if own.exists() else Path("data/sample.csv")


def read_dataset(path: Path) -> Dataset:
    """Read and check a table to learn from. Raises `DataError` that names lines and columns."""
    dataset = read_labelled(path)
    _check_enough(path, dataset.phones)
    return dataset


def read_labelled(path: Path) -> Dataset:
    """Read and check every row, however few there are. Raises `DataError` that names lines and columns."""
    try:
        content = read_plain(path)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from None
    try:
        rows = read_table(content, LabelledPhone)
    except InvalidTableError as error:
        raise DataError(_summary(path, error, other_labels(content))) from None
    return Dataset(path.name, hashlib.sha256(content).hexdigest(), _to_part(rows))


def split(phones: Part, choices: Split) -> tuple[Part, Part]:
    """Return the part to train on and the part to measure on. Raises `DataError` if one is too small."""
    return set_apart(phones, choices.held_out, choices.random_state, choices.stratified)


def set_apart(phones: Part, share: float, seed: int, stratified: bool) -> tuple[Part, Part]:
    """Return the phones less a random `share`, and that share; copies of a phone stay on its side.

    Raises `DataError` if one is too small.
    """
    together = rows_by_phone(phones.features)
    distinct = _firsts(phones, together)
    try:
        others, apart = train_test_split(
            np.arange(len(distinct)),
            test_size=share,
            random_state=seed,
            stratify=distinct.labels if stratified else None,
        )
    except ValueError as error:
        raise DataError(
            f"{len(distinct)} phones cannot be split in {share:g} and the rest: {error}"
        ) from None
    return phones.rows(_rows_of(together, others)), phones.rows(_rows_of(together, apart))


def folds_by(splitter: Any, phones: Part) -> Iterator[tuple[Positions, Positions]]:
    """Give the other phones and those of each fold of scikit-learn's; copies of a phone are in one fold."""
    together = rows_by_phone(phones.features)
    distinct = _firsts(phones, together)
    for others, fold in splitter.split(distinct.features, distinct.labels):
        yield _rows_of(together, others), _rows_of(together, fold)


def check_folds(phones: Part, folds: int) -> None:
    """Raise `DataError` unless every fold can have a phone of each price range."""
    counts = _firsts(phones, rows_by_phone(phones.features)).labels.value_counts()
    for price_range in PriceRange:
        count = int(counts.get(price_range.value, 0))
        if count < folds:
            raise DataError(
                f"{folds} folds need as many phones of each price range, and there are {count} with {LABEL} "
                f"{price_range.value} ({price_range.label}) to learn from: choose fewer folds"
            )


def _firsts(phones: Part, together: list[Positions]) -> Part:
    return phones.rows(np.array([rows[0] for rows in together]))


def _rows_of(together: list[Positions], chosen: Positions) -> Positions:
    return np.concatenate([together[phone] for phone in chosen])


def _to_part(rows: Sequence[LabelledPhone]) -> Part:
    frame = pd.DataFrame([row.model_dump() for row in rows])
    return Part(frame[list(FEATURES)], frame[LABEL].astype("int64"))


def _summary(path: Path, error: InvalidTableError, labels: str | None) -> str:
    """One kind of problem a line, the first few; no row of the table is repeated."""
    others = [_told(each) for each in error.violations if not labels or each.loc[-1:] != (LABEL,)]
    told = [labels, *others] if labels else others
    rest = len(told) - REPORTED_PROBLEMS
    more = [f"  … and {rest} more kinds of faults"] if rest > 0 else []
    lines = [f"  {each}" for each in told[:REPORTED_PROBLEMS]]
    return "\n".join([f"{path} cannot be used; correct this and run again:", *lines, *more])


def _told(violation: Violation) -> str:
    """The words for one broken rule; those of the label say what it must be, too."""
    of_a_row = violation.loc[2:] == (LABEL,) and violation.type != "repeated_column"
    return f"{violation.msg}. {LABEL} must be one of {RANGES}" if of_a_row else violation.msg


def _check_enough(path: Path, phones: Part) -> None:
    counts = _firsts(phones, rows_by_phone(phones.features)).labels.value_counts()
    for price_range in PriceRange:
        count = int(counts.get(price_range, 0))
        if count < FEWEST_PER_RANGE:
            raise DataError(
                f"{path} has too few phones: {count} with {LABEL} {price_range.value} ({price_range.label}), "
                f"copies counted once; at least {FEWEST_PER_RANGE} of each price range are needed"
            )
