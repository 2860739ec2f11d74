"""Copies: rows with the same 20 specifications. They are one phone, whatever their labels say."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray


class Copies(NamedTuple):
    """How many rows of a table are copies of an earlier one."""

    rows: int
    """All rows of the table."""
    copies: int
    contradictions: int
    """Copies whose price range is another than that of the first."""


def rows_by_phone(features: pd.DataFrame) -> list[NDArray[np.int64]]:
    """Return the positions of each phone's rows, the phones in the order of their first rows."""
    phone = features.groupby(list(features.columns), sort=False).ngroup().to_numpy(np.int64)
    order = np.argsort(phone, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(phone[order])) + 1)


def count_copies(features: pd.DataFrame, labels: pd.Series) -> Copies:
    """Count the copies, and those of them that contradict the first row of their phone."""
    phones = rows_by_phone(features)
    classes = labels.to_numpy()
    contradictions = sum(int((classes[rows] != classes[rows[0]]).sum()) for rows in phones)
    return Copies(len(features), len(features) - len(phones), contradictions)
