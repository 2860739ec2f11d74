"""What a platform posts in one piece, answered as any other table is: read, predicted, written, sent."""

from collections.abc import AsyncIterator, Callable, Iterator
from typing import TypeAlias

from fastapi import Request, Response

from service.predictor import Predictor
from service.settings import Settings
from service.table_answer import TableAnswer
from service.tables.choices import OnError
from service.tables.rows import Rows
from service.tables.scoring import TableScorer
from service.tables.writers import Writer

Read: TypeAlias = Callable[[bytes], Iterator[Rows]]
"""A whole body -> its rows a piece at a time; raises `InvalidTableError`."""


class WholeReader:
    """A reader that gives no rows before all has come, and then as `read` has it."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._pieces: list[bytes] = []

    def feed(self, content: bytes) -> Iterator[Rows]:
        self._pieces.append(content)
        return iter(())

    def finish(self) -> Iterator[Rows]:
        body = b"".join(self._pieces)
        self._pieces.clear()
        return self._read(body)


def answer_table(
    request: Request, predictor: Predictor, settings: Settings, read: Read, writer: Writer
) -> Response:
    """Answer the body of a request; what is wrong with a row refuses it all."""
    scorer = TableScorer(predictor, WholeReader(read), writer, OnError.FAIL, settings.max_table_rows)
    chunks: AsyncIterator[bytes] = request.stream()
    return TableAnswer(chunks, scorer, writer.media_type, predictor.version, live=False)
