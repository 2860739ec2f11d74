"""Every kind of body that MLflow and SageMaker post -> rows."""

import csv
import re
import warnings
from collections.abc import Iterator, Sequence
from functools import partial
from io import BytesIO
from typing import Any

import msgspec
import numpy as np
from numpy.lib import format as npy

from contract.errors import InvalidTableError
from contract.phone import FEATURES, SPECIFICATIONS, Specifications
from contract.table import NUMBER, check_text, refusal
from contract.violation import Location
from service.json_limits import check_size
from service.json_text import json_text
from service.media_type import CSV, JSON, NDJSON, PARQUET, unsupported
from service.protocols.invocations.frames import checked_in_pieces, read_columns, read_frame
from service.protocols.rows import (
    ABSENT,
    COUNT,
    check_count,
    is_list,
    one_of,
    read_object,
    read_rows,
    rows_of,
)
from service.protocols.tables import Read
from service.settings import Settings
from service.tables.readers import open_reader
from service.tables.rows import Rows
from service.valid_phone import NotPlainlyValid

JSON_LINES = "application/jsonlines"
NPY = "application/x-npy"
X_PARQUET = "application/x-parquet"

KINDS = (JSON, CSV, JSON_LINES, PARQUET, NPY)
"""What is taken; and NDJSON and x-parquet, other names of two of them."""

FIRST_BYTES = 4 * 1024
"""Of a CSV, which tell whether it has a header."""

PIECE_BYTES = 128 * 1024
"""About five hundred phones to a line each."""

# what Python 2 has saved is read; numpy would tell standard error of it, past the log
warnings.filterwarnings("ignore", r"Reading `\.npy`", UserWarning)

_NUMBER, _LINE_END = re.compile(NUMBER), re.compile("[\r\n]")


class _Forms(msgspec.Struct, forbid_unknown_fields=True):
    dataframe_split: msgspec.Raw = ABSENT
    dataframe_records: msgspec.Raw = ABSENT
    instances: msgspec.Raw = ABSENT
    inputs: msgspec.Raw = ABSENT
    params: msgspec.Raw = ABSENT  # MLflow's, and
    parameters: msgspec.Raw = ABSENT  # Vertex AI's, of which this model has none


class _Frame(msgspec.Struct):
    columns: list[str | int | float | None]
    data: list[list[Any]]


_decode_frame = msgspec.json.Decoder(_Frame).decode
_decode_columns = msgspec.json.Decoder(dict[str, list[Any]]).decode


def reader_of(kind: str, settings: Settings) -> Read:
    """Return what reads bodies of a media type; JSON where none is told. Raises 415."""
    if kind in ("", JSON):
        return partial(_read_json, max_rows=settings.max_batch_rows)
    if kind == CSV:
        from service.tables.readers.csv import CsvReader  # pyarrow takes a sixth of a second and 40 MiB

        return partial(_read_csv, CsvReader)
    if kind in (JSON_LINES, NDJSON):
        return _read_lines
    if kind in (PARQUET, X_PARQUET):
        return _read_parquet
    if kind == NPY:
        return _read_npy
    raise unsupported(*KINDS)


def _read_json(body: bytes, max_rows: int) -> Iterator[Rows]:
    body = json_text(body)
    check_size(body, max_rows)
    if body.lstrip()[:1] == b"[":  # as SageMaker's serializer has lists
        return read_rows(body, "instances", max_rows)
    if body.lstrip()[:1] != b"{" and b"," in body[:FIRST_BYTES]:
        raise refusal("json_invalid", (), "The body is not JSON; if it is CSV, send Content-Type: text/csv")
    name, content = one_of(read_object(body, _Forms), _FORMS)
    return _FORMS[name](content, name, max_rows)


def _read_split(content: msgspec.Raw, name: str, max_rows: int) -> Iterator[Rows]:
    try:
        frame = _decode_frame(content)
    except NotPlainlyValid:
        msg = f'{name} must have "columns", a list of names, and "data", a list of rows'
        raise refusal("frame_invalid", (name,), msg) from None
    return read_frame(frame.columns, frame.data, max_rows)


def _read_inputs(content: msgspec.Raw, name: str, max_rows: int) -> Iterator[Rows]:
    if is_list(content):
        return read_rows(content, name, max_rows)
    try:
        columns = _decode_columns(content)
    except NotPlainlyValid:
        msg = f"{name} must be a list of phones, or an object with a list for each specification"
        raise refusal("columns_invalid", (name,), msg) from None
    return read_columns(columns, max_rows)


_FORMS = {
    "dataframe_split": _read_split,
    "dataframe_records": read_rows,
    "instances": read_rows,
    "inputs": _read_inputs,
}


def _read_csv(csv_reader: Any, body: bytes) -> Iterator[Rows]:
    """Read CSV; a first line of 20 cells without a name is a phone, as SageMaker has it, and no header."""
    check_text(body)
    line = _LINE_END.split(body[:FIRST_BYTES].decode("utf-8-sig", "replace").lstrip(), 1)[0]
    cells = [cell.strip() for cell in next(csv.reader([line]), [])]
    has_header = not _is_phone(cells)
    if cells and has_header and all(map(_NUMBER.fullmatch, cells)):
        what = f"send {COUNT}, in the order of /model-info, or the columns' names first"
        raise refusal("cell_count", ("line", 1), f"Line 1 holds {len(cells)} numbers; {what}")
    reader = csv_reader(keep=False, header=None if has_header else list(FEATURES))
    yield from reader.feed(body)
    yield from reader.finish()


def _is_phone(cells: Sequence[str]) -> bool:
    """Whether a first line has as many cells as a phone and names nothing, though a cell may be broken."""
    return len(cells) == COUNT and not SPECIFICATIONS.keys() & set(cells)


def _read_lines(body: bytes) -> Iterator[Rows]:
    body = json_text(body)
    count = start = 0
    while start < len(body):
        end = body.find(b"\n", start + PIECE_BYTES) + 1 or len(body)
        lines = [line for line in body[start:end].split(b"\n") if line.strip()]
        if lines:
            yield rows_of(lines, _on_line, count)
        count, start = count + len(lines), end
    check_count(count, count)


def _on_line(number: int) -> tuple[Location, str]:
    return ("line", number + 1), f"Line {number + 1}: phone"


def _read_parquet(body: bytes) -> Iterator[Rows]:
    return open_reader(PARQUET, False, BytesIO(body), 0).finish()


def _read_npy(body: bytes) -> Iterator[Rows]:
    return checked_in_pieces(_array(body))


def _array(body: bytes) -> Specifications:
    """Return a NumPy array, without unpickling anything and without trusting the size that it tells."""
    file = BytesIO(body)
    try:
        read_header = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}[
            npy.read_magic(file)
        ]
        shape, by_columns, dtype = read_header(file)
    except Exception:  # noqa: BLE001 - the header is Python's to parse, which raises whatever it likes
        raise _not_npy("The body is no array as numpy.save writes it") from None
    if dtype.kind not in "iuf" or dtype.itemsize > 8:
        raise _not_npy("The array must hold numbers, not true and false; objects are not unpickled")
    if len(shape) == 1:
        shape = (1, *shape)  # one phone
    if len(shape) != 2 or shape[1] != COUNT or not shape[0] or bool in map(type, shape):
        raise _not_npy(f"The array must have the shape (n, {COUNT}), the columns in the order of /model-info")
    content = body[file.tell() :]
    if len(content) != shape[0] * COUNT * dtype.itemsize:
        raise _not_npy("The body is not as long as the array's shape says")
    array = np.frombuffer(content, dtype).reshape(shape, order="F" if by_columns else "C")
    is_single = dtype.kind == "f" and dtype.itemsize == 4
    return array.astype(np.float32) if is_single else array.astype(np.float64)


def _not_npy(msg: str) -> InvalidTableError:
    return refusal("npy_invalid", (), msg)
