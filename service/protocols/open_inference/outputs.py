"""Predictions -> output tensors, in JSON or as bytes behind it.

The Open Inference Protocol, and Triton's extensions for binary tensors and for classification.
"""

from collections.abc import Callable
from struct import pack
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from contract.errors import InvalidTableError
from contract.phone import Probabilities
from contract.table import refusal
from service.prediction import LABELS
from service.protocols.open_inference.inputs import TEXT
from service.protocols.open_inference.request import InferenceRequest, Wish

PREDICT, PROBABILITIES, LABEL = "predict", "predict_proba", "label"

DATATYPES = {PREDICT: "INT64", PROBABILITIES: "FP32", LABEL: TEXT}
"""The outputs that there are, and their datatypes."""

WIDTHS = {PREDICT: [], PROBABILITIES: [len(LABELS)], LABEL: []}
"""What follows the number of phones in the shape of each."""


class Answers(NamedTuple):
    """What there is to answer of N phones."""

    price_range: NDArray[np.intp]  # (N,)
    probabilities: Probabilities  # (N, 4)


class Body(NamedTuple):
    """The body of an answer; `json_length` is where its JSON ends, if bytes follow."""

    content: bytes
    json_length: int | None


class _Tensor(NamedTuple):
    described: dict[str, Any]
    """Name, shape and datatype."""
    values: Callable[[], list[Any]]
    """For JSON."""
    raw: Callable[[], bytes]


_encode = msgspec.json.Encoder().encode
_LABELS = [pack("<I", len(label)) + label.encode() for label in LABELS]


def check_wishes(asked: InferenceRequest) -> None:
    """Raise `InvalidTableError` if an output is wished for that there is not, or one twice."""
    seen: set[str] = set()
    for number, wish in enumerate(asked.outputs or ()):
        classes = _parameter(wish, "classification")
        if wish.name in seen:
            raise _wrong(number, "name", "This output comes twice; ask for it once")
        seen.add(wish.name)
        if wish.name not in DATATYPES:
            raise _wrong(number, "name", f"There is no such output: ask for {' or '.join(DATATYPES)}")
        if classes is None:
            continue
        if wish.name != PROBABILITIES:
            raise _wrong(number, "parameters", f"classification is of {PROBABILITIES} only")
        if not isinstance(classes, int) or isinstance(classes, bool) or classes < 1:
            raise _wrong(number, "parameters", "classification must be a whole number of classes, at least 1")


def check_rows(asked: InferenceRequest, rows: int, most: int) -> None:
    """Raise `InvalidTableError` if there are too many for what has to be written as text."""
    written = [
        each for each in wishes(asked) if not is_binary(asked, each) or _parameter(each, "classification")
    ]
    if rows > most and written:
        msg = f"Too many rows: ask for at most {most} in JSON or by classification, else for binary data"
        raise refusal("too_many_rows", (), msg)


def is_binary(asked: InferenceRequest, wish: Wish) -> bool:
    """Whether an output goes behind the JSON."""
    own = _parameter(wish, "binary_data")
    return bool((asked.parameters or {}).get("binary_data_output") if own is None else own)


def wishes(asked: InferenceRequest) -> list[Wish]:
    """Return the outputs wished for: all, where none is named."""
    return asked.outputs or [Wish(name) for name in DATATYPES]


def write_answer(asked: InferenceRequest, head: dict[str, str], answers: Answers) -> Body:
    """Return the answer: `head` with the outputs in the order of the wishes."""
    outputs, behind = [], []
    for wish in wishes(asked):
        tensor = _tensor(wish, answers)
        if is_binary(asked, wish):
            raw = tensor.raw()
            behind.append(raw)
            outputs.append({**tensor.described, "parameters": {"binary_data_size": len(raw)}})
        else:
            outputs.append({**tensor.described, "data": tensor.values()})
    content = _encode({**head, "outputs": outputs})
    return Body(b"".join([content, *behind]), len(content) if behind else None)


def _tensor(wish: Wish, answers: Answers) -> _Tensor:
    classes = _parameter(wish, "classification")
    if classes is not None:
        return _classification(answers.probabilities, min(classes, len(LABELS)))
    shape = [len(answers.price_range), *WIDTHS[wish.name]]
    described = {"name": wish.name, "shape": shape, "datatype": DATATYPES[wish.name]}
    if wish.name == LABEL:
        ranges = answers.price_range.tolist()
        return _Tensor(
            described,
            lambda: [LABELS[each] for each in ranges],
            lambda: b"".join([_LABELS[each] for each in ranges]),
        )
    values = answers.probabilities if wish.name == PROBABILITIES else answers.price_range
    little_endian = "<f4" if wish.name == PROBABILITIES else "<i8"
    return _Tensor(
        described, lambda: values.ravel().tolist(), lambda: values.astype(little_endian, copy=False).tobytes()
    )


def _classification(probabilities: Probabilities, classes: int) -> _Tensor:
    """Return the likeliest classes of each phone as `value:index:label`, the likeliest first."""
    likeliest = np.argsort(-probabilities, axis=1, kind="stable")[:, :classes]
    texts = [
        f"{row[each]:f}:{each}:{LABELS[each]}"
        for row, chosen in zip(probabilities.tolist(), likeliest.tolist(), strict=True)
        for each in chosen
    ]
    described = {"name": PROBABILITIES, "shape": [len(probabilities), classes], "datatype": TEXT}
    return _Tensor(
        described,
        lambda: texts,
        lambda: b"".join([pack("<I", len(text)) + text.encode() for text in texts]),
    )


def _parameter(wish: Wish, name: str) -> Any:
    return (wish.parameters or {}).get(name)


def _wrong(number: int, field: str, msg: str) -> InvalidTableError:
    return refusal(f"output_{field}", ("outputs", number, field), f"outputs[{number}]: {msg}")
