"""What whoever sends a table may choose."""

from enum import StrEnum


class Keep(StrEnum):
    """Which of the table's own columns come back, before those of the answer."""

    NONE = "none"
    ALL = "all"


class OnError(StrEnum):
    """What a broken row does: end it all, or come back with what is wrong with it."""

    FAIL = "fail"
    SKIP = "skip"
