"""A table in, the table of its predictions out: one piece after the other, whoever brings the bytes."""

from collections.abc import Iterable, Iterator

from contract.table import no_rows, refusal
from service.predictor import Predictor
from service.tables.choices import OnError
from service.tables.readers.reader import Reader
from service.tables.rows import Rows
from service.tables.writers.writer import Writer


class TableScorer:
    """Reads, predicts and writes what it is fed; raises `InvalidTableError` where the table breaks a rule."""

    def __init__(
        self, predictor: Predictor, reader: Reader, writer: Writer, on_error: OnError, max_rows: int | None
    ) -> None:
        self._predictor = predictor
        self._reader = reader
        self._writer = writer
        self._on_error = on_error
        self._max_rows = max_rows
        self.rows = 0
        self.broken = 0

    def feed(self, content: bytes) -> Iterator[bytes]:
        """Give the answers of the rows that these bytes complete."""
        return self._answers(self._reader.feed(content))

    def finish(self) -> Iterator[bytes]:
        """Give the answers of the rows that are left, and the end of the table."""
        yield from self._answers(self._reader.finish())
        if not self.rows:
            raise no_rows()
        yield self._writer.finish()

    def score(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """Give the answers to a whole table."""
        for content in chunks:
            yield from self.feed(content)
        yield from self.finish()

    def _answers(self, pieces: Iterable[Rows]) -> Iterator[bytes]:
        for rows in pieces:
            self.rows += len(rows)
            self.broken += len(rows.broken)
            if self._max_rows is not None and self.rows > self._max_rows:
                raise refusal(
                    "too_many_rows", (), f"Too many rows: send at most {self._max_rows} in one table"
                )
            if rows.broken and self._on_error is OnError.FAIL:
                raise rows.error()
            for piece in rows.pieces(self._writer.piece_rows):
                yield self._writer.write(piece, self._predictor.predict(piece.specifications))
