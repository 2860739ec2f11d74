"""Answers as JSON objects: {"predictions": [...]} or one to a line."""

from typing import Any

import msgspec

from contract.violation import Violation
from service.media_type import JSON, NDJSON
from service.prediction import Prediction, Predictions
from service.tables.rows import Rows
from service.tables.writers.kept import renamed

_encoder = msgspec.json.Encoder()
_TAKEN = frozenset(Prediction.__annotations__) | {"error"}


class JsonWriter:
    """One object with all predictions and the model's version."""

    media_type = JSON
    piece_rows = 1024

    def __init__(self, version: str) -> None:
        self._version = version
        self._begun = False

    def write(self, rows: Rows, predictions: Predictions) -> bytes:
        begin = b"," if self._begun else b'{"predictions":['
        self._begun = True
        return begin + _encoder.encode(_objects(rows, predictions))[1:-1]

    def finish(self) -> bytes:
        return b'],"model_version":' + _encoder.encode(self._version) + b"}"


class NdjsonWriter:
    """One prediction to a line."""

    media_type = NDJSON
    piece_rows = 1024

    def write(self, rows: Rows, predictions: Predictions) -> bytes:
        return _encoder.encode_lines(_objects(rows, predictions))

    def finish(self) -> bytes:
        return b""


def _objects(rows: Rows, predictions: Predictions) -> list[Any]:
    answers: list[Any] = list(predictions.answers())
    for row in sorted(rows.broken):
        answers.insert(row, {"error": [Violation._asdict(violation) for violation in rows.broken[row]]})
    if rows.kept is None:
        return answers
    own = renamed(rows.kept, _TAKEN).to_pylist()
    return [kept | answer for kept, answer in zip(own, answers, strict=True)]
