"""A piece of a table in, a part of the answers out: by itself, wherever there is time for it."""

from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from pickle import dump, loads
from typing import BinaryIO, NamedTuple

from contract.bundle import Bundle, check_golden_rows
from contract.errors import ClusterError, InvalidTableError, NoRowsError, PhonePriceError, TableFileError
from contract.phone import PriceRange
from service.engine import EngineName, load_engine
from service.media_type import PARQUET
from service.predictor import Predictor
from service.scoring.one_process import Counts
from service.scoring.pieces import CUTTABLE, Piece
from service.scoring.table_file import (
    KINDS,
    STANDARD,
    cannot_be_scored,
    chunks,
    chunks_between,
    kind_of,
    named,
    opened,
    tables_in,
    written_beside,
)
from service.tables.choices import OnError
from service.tables.rows import Rows
from service.tables.scoring import TableScorer
from service.tables.writers import Writer, open_writer

MODEL = ".model"
"""The file of what answers, in the folder of the parts until all of them are there."""


class Plan(NamedTuple):
    """How every piece is scored, and where its part goes."""

    folder: Path
    target: Path
    """What the folder is named in the end, and in errors."""
    ending: str
    """Of each part, with its dot."""
    kind: str
    """The media type that the ending stands for."""
    keep: bool
    on_error: OnError

    def part(self, piece: Piece) -> Path:
        """Return the part of a piece; by their names, parts have the order of the rows."""
        return self.folder / f"part-{piece.file:06d}-{piece.number:06d}{self.ending}"


class Report(NamedTuple):
    """What came of a piece. One without rows has no part, nor has one with an error."""

    piece: Piece
    rows: int = 0
    broken: int = 0
    by_range: Sequence[int] = (0,) * len(PriceRange)
    error: PhonePriceError | None = None


def files_to_cut(source: Path) -> list[Path]:
    """Return the tables in a file or a folder. Raises `TableFileError` unless each can be cut."""
    if source == STANDARD:
        raise TableFileError("with --engine ray INPUT is a file or a folder, and no standard input")
    files = tables_in(source)
    for path in files:
        if kind_of(path, "") not in CUTTABLE:
            endings = ", ".join(ending for ending, kind in KINDS.items() if kind in CUTTABLE)
            raise TableFileError(
                f"{named(path)}: --engine ray takes {endings}; --engine local takes all others, too"
            )
    return files


def in_a_line(error: Exception) -> str:
    """Return the first words of what may be pages."""
    return f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"


def leave_model(plan: Plan, bundle: Bundle, engine: EngineName) -> None:
    """Put into the folder what answers: all parts come of one version, whatever CURRENT names by then."""
    with written_beside(plan.folder / MODEL, told=plan.target) as file:
        dump((bundle, engine), file)


def left_model(plan: Plan) -> Predictor:
    """Build and prove what was left. Raises a `PhonePriceError` if it is not there, or does not compute."""
    try:
        content = (plan.folder / MODEL).read_bytes()
    except OSError as error:
        raise ClusterError(
            f"{named(plan.target)} is not to be reached by its path from all nodes: {error.strerror}"
        ) from None
    bundle, engine = loads(content)  # noqa: S301 - what leave_model has put into it
    built = load_engine(engine, bundle)
    check_golden_rows(bundle.manifest.golden_rows, built.predict)
    return Predictor(bundle, built)


def score_piece(predictor: Predictor, piece: Piece, plan: Plan) -> Report:
    """Write the part of a piece, whole or not at all; done again, it takes the place of the same.

    What is wrong with the file, a row or the folder is reported.
    """
    counts = predictor.watch = Counts()
    try:
        with (
            opened(piece.path) as read,
            written_beside(plan.part(piece), told=plan.target) as write,
        ):
            errors = plan.on_error is OnError.SKIP
            writer = open_writer(plan.kind, predictor.version, errors=errors, keep=plan.keep)
            if plan.keep and piece.kind != PARQUET:
                write.write(_beginning(writer, predictor, piece))
            scorer = TableScorer(predictor, piece.reader(plan.keep, read), writer, plan.on_error, None)
            for content in scorer.score(_content(piece, read)):
                write.write(content)
    except NoRowsError:
        return Report(piece)
    except InvalidTableError as error:
        return Report(piece, error=cannot_be_scored(piece.path, error))
    except PhonePriceError as error:
        return Report(piece, error=error)
    return Report(piece, scorer.rows, scorer.broken, counts.by_range.tolist())


def _content(piece: Piece, file: BinaryIO) -> Iterator[bytes]:
    # the reader of Parquet reads its file itself
    return chunks_between(file, piece.start, piece.end) if piece.kind != PARQUET else iter(())


def _beginning(writer: Writer, predictor: Predictor, piece: Piece) -> bytes:
    """Have a part begin with the columns that its file begins with, and with none of its rows.

    In text, the first rows say whether a kept column holds whole numbers, and whether it is there at all.
    """
    with opened(piece.path) as file:
        reader = piece._replace(start=0, before=0, header=None).reader(True, file)
        fed = (rows for content in chunks(file) for rows in reader.feed(content))
        first = next(chain(fed, reader.finish()), None)
    if first is None:
        return b""
    none = Rows(first.specifications[:0], kept=None if first.kept is None else first.kept.slice(0, 0))
    return writer.write(none, predictor.predict(none.specifications))
