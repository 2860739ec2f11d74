"""What a kind of answer cannot have, as a refusal that names the column."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

import pyarrow as pa

from contract.table import refusal
from service.tables.kept.conversion import not_written

Write: TypeAlias = Callable[[pa.Table], object]

FAILURES = (pa.ArrowException, OSError, ValueError, TypeError, LookupError, NotImplementedError)
"""What pyarrow raises where it cannot write a type, or a value of it."""


@contextmanager
def naming_column(columns: Callable[[], pa.Table], write: Write) -> Iterator[None]:
    """Turn what a writer raises into a refusal, naming the first column that `write` cannot write alone."""
    try:
        yield
    except FAILURES as error:
        table = columns()
        for name in table.schema.names:
            try:
                write(table.select([name]))
            except FAILURES as own:
                raise not_written(name, table.schema.field(name).type, own) from None
        reason = str(error).splitlines()[0][:200]
        raise refusal("table_not_written", (), f"The kept columns cannot be written: {reason}") from None
