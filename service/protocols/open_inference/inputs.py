"""Input tensors -> the matrix of phones: one tensor of all 20 columns, or a tensor for each by its name."""

from collections.abc import Iterator
from math import prod
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from contract.errors import InvalidTableError
from contract.phone import FEATURES, FLAGS, SPECIFICATIONS, Specifications
from contract.table import refusal
from contract.violation import expectation
from service.protocols.open_inference.request import InferenceRequest, Tensor
from service.protocols.rows import ABSENT, COUNT, is_nested
from service.valid_phone import NotPlainlyValid

BOOL = "BOOL"

NUMBERS = {
    BOOL: "?",
    "UINT8": "u1",
    "UINT16": "<u2",
    "UINT32": "<u4",
    "UINT64": "<u8",
    "INT8": "i1",
    "INT16": "<i2",
    "INT32": "<i4",
    "INT64": "<i8",
    "FP16": "<f2",
    "FP32": "<f4",
    "FP64": "<f8",
}
"""Datatypes that hold numbers, as numpy has them; BOOL holds those of flags alone."""

TEXT = "BYTES"

_ELEMENTS: dict[str, Any] = {"b": bool, "u": int, "i": int, "f": float}

_FORMS = (
    f"send one tensor of shape [n, {COUNT}] with the columns in the order of /model-info, "
    f"or {COUNT} of shape [n] named like the specifications"
)


def read_phones(asked: InferenceRequest, binary: memoryview, max_json_rows: int) -> Specifications:
    """Return the phones of the request, (N, 20), unchecked. Raises `InvalidTableError` for what are none."""
    raw = list(_behind(asked, binary))
    tensors = asked.inputs
    if len(tensors) == 1 and tensors[0].name not in SPECIFICATIONS:
        phones = _table(tensors[0], raw[0], max_json_rows)
    else:
        phones = _columns(tensors, raw, max_json_rows)
    if not len(phones):
        raise refusal("no_rows", ("inputs",), "There are no phones: send at least one row")
    return phones


def _behind(asked: InferenceRequest, binary: memoryview) -> Iterator[memoryview | None]:
    """Give the bytes of each tensor that are behind the JSON, in the order of the tensors."""
    start = 0
    for number, tensor in enumerate(asked.inputs):
        size = (tensor.parameters or {}).get("binary_data_size")
        if size is None:
            yield None
            continue
        is_number = isinstance(size, int) and not isinstance(size, bool)
        if not (is_number and 0 <= size <= len(binary) - start):
            wanted = size if is_number else "no number"
            msg = f"binary_data_size is {wanted}, but {len(binary) - start} bytes are there for it"
            raise _wrong(number, "parameters", msg)
        yield binary[start : start + size]
        start += size
    if start != len(binary):
        msg = f"{len(binary) - start} bytes follow the last tensor: binary_data_size must tell of all"
        raise refusal("binary_data_size", ("inputs",), msg)


def _table(tensor: Tensor, raw: memoryview | None, max_json_rows: int) -> Specifications:
    if len(tensor.shape) != 2 or tensor.shape[1] != COUNT:
        raise _wrong(0, "shape", f"The shape is {_shape(tensor)}: {_FORMS}")
    if tensor.datatype == BOOL:
        msg = f"The datatype is BOOL, but only {', '.join(sorted(FLAGS))} are true or false"
        raise _wrong(0, "datatype", msg)
    return _as_float(_values(0, tensor, raw, max_json_rows))


def _columns(tensors: list[Tensor], raw: list[memoryview | None], max_json_rows: int) -> NDArray[np.float64]:
    found = {tensor.name: number for number, tensor in enumerate(tensors)}
    missing = [name for name in FEATURES if name not in found]
    if missing:
        raise refusal("missing_column", ("inputs",), f"There is no input {', '.join(missing)}: {_FORMS}")
    if len(found) < len(tensors):
        raise refusal("repeated_column", ("inputs",), "Two inputs have the same name; send each once")
    rows = _rows(found[FEATURES[0]], tensors[found[FEATURES[0]]])
    phones = []
    for name in FEATURES:
        number = found[name]
        if _rows(number, tensors[number]) != rows:
            raise _wrong(number, "shape", f"{name} must have {rows} rows, as {FEATURES[0]} has")
        if tensors[number].datatype == BOOL and name not in FLAGS:
            raise _wrong(number, "datatype", f"The datatype of {name} is BOOL; {expectation(name)}")
        phones.append(_values(number, tensors[number], raw[number], max_json_rows).reshape(-1))
    return np.stack(phones, axis=1).astype(np.float64)


def _rows(number: int, tensor: Tensor) -> int:
    if not tensor.shape or tensor.shape[1:] not in ([], [1]):
        raise _wrong(number, "shape", f"The shape is {_shape(tensor)}: a specification has [n] or [n, 1]")
    return tensor.shape[0]


def _values(number: int, tensor: Tensor, raw: memoryview | None, max_json_rows: int) -> NDArray[Any]:
    """Return the numbers of a tensor in its shape."""
    if tensor.datatype not in NUMBERS:
        what = f"The datatype must be {' or '.join(NUMBERS)}, as specifications are numbers"
        raise _wrong(number, "datatype", what)
    dtype = np.dtype(NUMBERS[tensor.datatype])
    if raw is not None:
        return _of_bytes(number, tensor, raw, dtype)
    if tensor.data == ABSENT:
        raise _wrong(number, "data", "No data: send the numbers here, or parameters.binary_data_size")
    if not tensor.shape[0]:
        raise refusal("no_rows", ("inputs",), "There are no phones: send at least one row")
    if tensor.shape[0] > max_json_rows:
        msg = f"Too many rows: send at most {max_json_rows} in JSON, or the tensor as binary data"
        raise _wrong(number, "shape", msg)
    return _of_json(number, tensor, dtype)


def _of_bytes(number: int, tensor: Tensor, raw: memoryview, dtype: np.dtype[Any]) -> NDArray[Any]:
    if tensor.data != ABSENT:
        raise _wrong(number, "data", "There is data as well as binary_data_size; send one of them")
    due = prod(tensor.shape) * dtype.itemsize
    if len(raw) != due:
        what = f"{tensor.datatype} of shape {_shape(tensor)}"
        msg = f"binary_data_size is {len(raw)}, but {what} takes {due} bytes"
        raise _wrong(number, "parameters", msg)
    return np.frombuffer(raw, dtype).reshape(tensor.shape)


def _of_json(number: int, tensor: Tensor, dtype: np.dtype[Any]) -> NDArray[Any]:
    # told by its commas before any is read: eight megabytes of numbers would keep others waiting
    numbers = bytes(tensor.data).count(b",") + 1
    if numbers != prod(tensor.shape):
        msg = f"There are {numbers} numbers, but the shape is {_shape(tensor)}"
        raise _wrong(number, "data", msg)
    element = _ELEMENTS[dtype.kind]
    try:
        # numbers keep the digits that they were sent with, whatever the datatype says of their size
        array = np.array(_decoded(tensor.data, element), np.float64 if dtype.kind == "f" else dtype)
    except NotPlainlyValid:
        array = _with_gaps(number, tensor, element)
    except (ValueError, OverflowError):
        msg = f"The data must be numbers of {tensor.datatype}, as many in each row"
        raise _wrong(number, "data", msg) from None
    if array.size != numbers or (array.ndim > 1 and array.shape != tuple(tensor.shape)):
        msg = f"There are {len(array)} rows or numbers, but the shape is {_shape(tensor)}"
        raise _wrong(number, "data", msg)
    return array.reshape(tensor.shape)


def _with_gaps(number: int, tensor: Tensor, element: Any) -> NDArray[np.float64]:
    """Return numbers with not a number for null, so that the row is judged and named."""
    try:
        return np.array(_decoded(tensor.data, element | None), np.float64)
    except (*NotPlainlyValid, ValueError):
        what = "true or false" if element is bool else f"numbers of {tensor.datatype}, without text or true"
        msg = f"The data must be {what}, flat or row by row"
        raise _wrong(number, "data", msg) from None


def _decoded(data: msgspec.Raw, element: Any) -> list[Any]:
    values: list[Any] = msgspec.json.decode(
        data, type=list[list[element]] if is_nested(data) else list[element]
    )
    return values


def _as_float(values: NDArray[Any]) -> Specifications:
    return values if values.dtype.char in "fd" else values.astype(np.float64)


def _shape(tensor: Tensor) -> str:
    """Tell a shape, of which nobody needs to see the hundredth size."""
    shown = ", ".join(map(str, tensor.shape[:4]))
    return f"[{shown}, ...]" if len(tensor.shape) > 4 else f"[{shown}]"


def _wrong(number: int, field: str, msg: str) -> InvalidTableError:
    return refusal(f"tensor_{field}", ("inputs", number, field), f"inputs[{number}]: {msg}")
