"""A table's own rows, and how they come back in each kind of answer: as they were sent, if it can be."""

from service.tables.kept.kept import Kept

__all__ = ["Kept"]
