"""Full validation of record batches, by an amount of work that is known before.

Arrow looks at each text that a value refers to: where a million views refer to one text, a million times.
"""

import numpy as np
import pyarrow as pa

from contract.table import refusal
from service.tables.readers.text_sizes import view_sizes

MAX_VALIDATED_BYTES = 256 * 2**20
"""Of a record batch; four times what one may unpack to, and a quarter of a second of work at most."""


def validate(columns: pa.RecordBatch) -> None:
    """Raise `pa.ArrowException` if values are not as Arrow has them, and `InvalidTableError` for too many."""
    columns.validate()
    total = 0
    for name, column in zip(columns.schema.names, columns.columns, strict=True):
        total += validated_bytes(column)
        if total > MAX_VALIDATED_BYTES:
            limit = MAX_VALIDATED_BYTES // 2**20
            where = f"Up to column {name[:100]} the values of a record batch come to over {limit} MiB"
            raise refusal("table_expands", (name,), f"{where}; write smaller ones, or do not keep it")
    columns.validate(full=True)


def validated_bytes(column: pa.Array) -> int:
    """Return the bytes that full validation may look at, of a column that has the right structure."""
    kind, types = column.type, pa.types
    if isinstance(column, pa.ExtensionArray):
        return validated_bytes(column.storage)
    if types.is_dictionary(kind):
        return validated_bytes(column.indices) + validated_bytes(column.dictionary)
    if types.is_run_end_encoded(kind):
        return validated_bytes(column.run_ends) + validated_bytes(column.values)
    if types.is_struct(kind) or types.is_union(kind):
        return sum(validated_bytes(column.field(index)) for index in range(kind.num_fields))
    if types.is_nested(kind):
        return len(column) + validated_bytes(column.values)
    if types.is_string_view(kind) or types.is_binary_view(kind):
        return int(np.abs(view_sizes(column), dtype=np.int64).sum())
    return sum(buffer.size for buffer in column.buffers() if buffer is not None)
