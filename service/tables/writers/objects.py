"""Answers as JSON objects: {"predictions": [...]} or one to a line."""

from typing import Any

import msgspec

from contract.phone import PriceRange
from service.media_type import JSON, NDJSON
from service.prediction import LABELS, Prediction, Predictions
from service.tables.rows import Rows, told
from service.verdict import InputWarning

_encoder = msgspec.json.Encoder()
_TAKEN = frozenset(Prediction.__annotations__) | {"error"}
_SETS = [[list(range(low, high + 1)) for high in PriceRange] for low in PriceRange]
_NO_WARNINGS: list[InputWarning] = []


class JsonWriter:
    """One object with all predictions, and the model's version if it is to be told."""

    media_type = JSON
    piece_rows = 1024

    def __init__(self, version: str | None) -> None:
        self._version = version
        self._begun = False

    def write(self, rows: Rows, predictions: Predictions) -> bytes:
        begin = b"," if self._begun else b'{"predictions":['
        self._begun = True
        return begin + _encoder.encode(_objects(rows, predictions))[1:-1]

    def finish(self) -> bytes:
        return (
            b"]}" if self._version is None else b'],"model_version":' + _encoder.encode(self._version) + b"}"
        )


class NdjsonWriter:
    """One prediction to a line."""

    media_type = NDJSON
    piece_rows = 1024

    def write(self, rows: Rows, predictions: Predictions) -> bytes:
        return _encoder.encode_lines(_objects(rows, predictions))

    def finish(self) -> bytes:
        return b""


def _objects(rows: Rows, predictions: Predictions) -> list[Any]:
    answers: list[Any] = _answers(predictions)
    for row in sorted(rows.broken):
        answers.insert(row, {"error": told(rows.broken[row])})
    if rows.kept is None:
        return answers
    return [kept | answer for kept, answer in zip(rows.kept.objects(_TAKEN), answers, strict=True)]


def _answers(predictions: Predictions) -> list[Any]:
    """Return what `Predictions.answers` does, read off the columns: of many rows in half the time."""
    lowest, highest = predictions.prediction_set
    warnings = predictions.warnings()
    columns = (
        predictions.price_range,
        predictions.probabilities,
        predictions.confidence,
        lowest,
        highest,
        predictions.expected_range,
    )
    return [
        {
            "price_range": price_range,
            "label": LABELS[price_range],
            "probabilities": probabilities,
            "confidence": confidence,
            "prediction_set": _SETS[low][high],
            "expected_range": expected_range,
            "warnings": warnings.get(row, _NO_WARNINGS),
        }
        for row, (price_range, probabilities, confidence, low, high, expected_range) in enumerate(
            zip(*(column.tolist() for column in columns), strict=True)
        )
    ]
