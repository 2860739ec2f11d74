"""Whether all pieces of all files have come back, each once, and what they come to together."""

from collections.abc import Sequence
from pathlib import Path

from contract.errors import ClusterError
from contract.table import no_rows
from service.scoring.one_process import Counts
from service.scoring.parts import Plan, Report
from service.scoring.table_file import cannot_be_scored, named


class Tally:
    """Sums up what is reported, and knows whether every piece has been, once."""

    def __init__(self, files: Sequence[Path]) -> None:
        self._files = files
        self._last: dict[int, int] = {}
        self._seen: set[tuple[int, int]] = set()
        self._rows_of = [0] * len(files)
        self._parts: set[str] = set()
        self.bytes = 0
        self.rows = 0
        self.broken = 0
        self.counts = Counts()

    def add(self, report: Report, plan: Plan) -> None:
        """Count a piece. Raises the error that it had."""
        if report.error:
            raise report.error
        piece = report.piece
        if (piece.file, piece.number) in self._seen:
            raise ClusterError(f"{piece.path}: the cluster gave piece {piece.number} twice; score it again")
        self._seen.add((piece.file, piece.number))
        if piece.is_last:
            self._last[piece.file] = piece.number
        if report.rows:
            self._parts.add(plan.part(piece).name)
        self._rows_of[piece.file] += report.rows
        self.rows += report.rows
        self.broken += report.broken
        self.counts.by_range += report.by_range
        self.bytes += piece.end - piece.start

    def check_whole(self, folder: Path) -> None:
        """Raise a `PhonePriceError` unless every file has rows, and the folder the part of every piece.

        What a process that was killed had begun to write is removed.
        """
        for number, path in enumerate(self._files):
            pieces = range(self._last.get(number, 0) + 1)
            if number not in self._last or not all((number, piece) in self._seen for piece in pieces):
                raise ClusterError(
                    f"{named(path)}: the cluster has not given all pieces back; score it again"
                )
            if not self._rows_of[number]:
                raise cannot_be_scored(path, no_rows())
        for path in folder.glob(".*"):
            path.unlink()
        if {path.name for path in folder.iterdir()} != self._parts:
            raise ClusterError("not all parts have come: is the folder one and the same on all nodes?")
