"""Answers as SageMaker's batch jobs join them to their input: a line for each phone, without a header."""

from service.media_type import CSV
from service.prediction import Predictions
from service.protocols.invocations.bodies import JSON_LINES
from service.tables.rows import Rows
from service.tables.writers.objects import NdjsonWriter


class LinesWriter(NdjsonWriter):
    """One prediction to a line, as an object."""

    media_type = JSON_LINES


class BareCsvWriter:
    """The price range and the four probabilities."""

    media_type = CSV
    piece_rows = 1024

    def write(self, _: Rows, predictions: Predictions) -> bytes:
        ranges, rows = predictions.price_range.tolist(), predictions.probabilities.tolist()
        lines = [f"{chosen},{','.join(map(repr, row))}\n" for chosen, row in zip(ranges, rows, strict=True)]
        return "".join(lines).encode()

    def finish(self) -> bytes:
        return b""
