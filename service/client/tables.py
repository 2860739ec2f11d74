"""Tables to Arrow's stream and back; pandas and pyarrow are not imported before a table is met."""

import sys
from collections.abc import Iterator
from io import BytesIO
from typing import TYPE_CHECKING, Any, TypeVar

from contract.phone import FEATURES, FLAGS, SPECIFICATIONS
from contract.table import refusal
from contract.violation import expectation
from service.client.exchange import Answer, no_answer

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

MEDIA_TYPE = "application/vnd.apache.arrow.stream"

PIECE_ROWS = 16 * 1024
"""Rows that are written at a time: 2.6 MB of float64."""

VERSION = "model_version"

Table = TypeVar("Table")
"""pandas.DataFrame or pyarrow.Table: what is asked with is answered with."""


class ArrowStream:
    """A table as the bytes of Arrow's stream, made a piece at a time whenever it is sent."""

    def __init__(self, table: "pa.Table") -> None:
        self._table = table

    def __iter__(self) -> Iterator[bytes]:
        import pyarrow as pa

        sink = BytesIO()
        with pa.ipc.new_stream(sink, self._table.schema) as stream:
            for batch in self._table.to_batches(max_chunksize=PIECE_ROWS):
                stream.write_batch(batch)
                yield _taken(sink)
        yield _taken(sink)


def is_table(given: object) -> bool:
    """Whether it is a pandas.DataFrame or a pyarrow.Table; whoever has one has imported what it is of."""
    return _is_frame(given) or ("pyarrow" in sys.modules and isinstance(given, sys.modules["pyarrow"].Table))


def specifications_of(table: Any) -> "pa.Table":
    """Return the columns that are specifications, those of flags as 0 and 1 where they are booleans.

    Raises `InvalidTableError` for one that is missing or that Arrow cannot hold, `TypeError` for what is no
    table.
    """
    import pyarrow as pa

    if isinstance(table, pa.Table):
        own = [place for place, name in enumerate(table.column_names) if name in SPECIFICATIONS]
        found = table.select(own).replace_schema_metadata(None)
    elif _is_frame(table):
        columns = [(name, column) for name, column in table.items() if name in SPECIFICATIONS]
        names = [name for name, _ in columns]
        found = pa.table([_array(name, column) for name, column in columns], names=names)
    else:
        raise TypeError(f"A table is a pandas.DataFrame or a pyarrow.Table, not {type(table).__name__}")
    for name in FEATURES:
        if name not in found.column_names:
            raise refusal("missing_column", (name,), f"The table has no column {name}; {expectation(name)}")
    return _with_flags(found)


def answer_to(table: Any, answer: Answer) -> Any:
    """Return the answer as the kind of table that was asked with; a data frame has its index.

    Raises `AnswerError` for what is no table of as many rows.
    """
    import pyarrow as pa

    try:
        found = _read(answer.content)
        if len(found) != len(table):
            raise no_answer(answer, f"{len(found)} rows for {len(table)}")
        return _frame(found, table.index) if _is_frame(table) else found
    except (pa.ArrowException, OSError, ValueError) as error:
        raise no_answer(answer, str(error)) from None


def _is_frame(table: object) -> bool:
    return "pandas" in sys.modules and isinstance(table, sys.modules["pandas"].DataFrame)


def _array(name: str, column: "pd.Series[Any]") -> Any:
    import pyarrow as pa

    try:
        return pa.array(column, from_pandas=True)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):  # its text would repeat a value
        what = f"Column {name} holds something else than numbers; {expectation(name)}"
        raise refusal("column_type", (name,), what) from None


def _with_flags(table: "pa.Table") -> "pa.Table":
    """Write booleans as 0 and 1, which the service takes in their stead, where a column can mean that."""
    import pyarrow as pa

    for place, column in enumerate(table.schema):
        if column.name in FLAGS and pa.types.is_boolean(column.type):
            table = table.set_column(place, column.name, table.column(place).cast(pa.uint8()))
    return table


def _read(content: bytes) -> "pa.Table":
    import pyarrow as pa

    table = pa.ipc.open_stream(content).read_all()
    table.validate(full=True)
    # the service's columns of words are dictionaries, in which pandas allows no word twice
    return table.cast(pa.schema([_plain(each) for each in table.schema], table.schema.metadata))


def _frame(table: "pa.Table", index: "pd.Index[Any]") -> "pd.DataFrame":
    frame = table.to_pandas().set_axis(index)
    frame.attrs[VERSION] = (table.schema.metadata or {}).get(VERSION.encode(), b"").decode()
    return frame  # type: ignore[no-any-return]


def _plain(column: "pa.Field") -> "pa.Field":
    import pyarrow as pa

    return column.with_type(column.type.value_type) if pa.types.is_dictionary(column.type) else column


def _taken(sink: BytesIO) -> bytes:
    content = sink.getvalue()
    sink.seek(0)
    sink.truncate()
    return content
