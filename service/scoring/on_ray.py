"""Scoring tables on a Ray cluster: Ray Data hands pieces of files to actors, each of which has an engine.

files -> _cut, in tasks -> pieces -> PieceScorer, in actors -> parts, and reports of them -> Tally
"""

import logging
import os
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from functools import cached_property
from pathlib import Path
from pickle import dumps, loads
from time import perf_counter
from typing import Any

from contract.cluster import connected
from contract.errors import ClusterError, PhonePriceError, TableFileError
from service.predictor import Predictor, load_predictor
from service.scoring.one_process import Outcome, Watch
from service.scoring.parts import Plan, Report, files_to_cut, in_a_line, leave_model, left_model, score_piece
from service.scoring.pieces import Piece, cut
from service.scoring.table_file import STANDARD, folder_beside, kind_of, named
from service.scoring.tally import Tally
from service.settings import Settings
from service.tables.choices import OnError

FILES_CUT_AT_A_TIME = 4
"""To find where records end takes a hundredth of the time that scoring them does."""

PATIENCE_SECONDS = 900.0
"""Without any progress, until it is told: a piece that ends its process would be tried for ever else."""

AHEAD = 2
"""Pieces that an actor is given at a time: one to score, one that it need not wait for."""


def score(
    settings: Settings,
    source: Path,
    target: Path,
    *,
    kinds: tuple[str, str],
    keep: bool,
    on_error: OnError,
    watch: Watch,
    address: str | None,
) -> Outcome:
    """Score a table, or all in a folder, into a folder of parts, which is there once all of them are.

    All nodes must reach both by their paths. `kinds` are the endings of what standard input brings, which
    stays on one machine, and of the parts. Raises a `PhonePriceError` where the bundle, a file, a row or the
    cluster is wrong.
    """
    start = perf_counter()
    files = files_to_cut(source)
    ending = f".{kinds[1].removeprefix('.')}"
    kind = kind_of(STANDARD, ending)
    if target == STANDARD:
        raise TableFileError("with --engine ray OUTPUT is a folder of parts, and no standard output")
    if source.is_dir() and source.absolute() in target.absolute().parents:
        raise TableFileError(
            f"{named(target)} would lie within {named(source)}, and be scored the next time: name another"
        )
    predictor = load_predictor(settings)
    tally = Tally(files)
    os.environ.setdefault("RAY_IGNORE_UNHANDLED_ERRORS", "1")  # of what is cut off, when all is stopped
    with folder_beside(target.absolute()) as folder:
        plan = Plan(folder, target, ending, kind, keep, on_error)
        leave_model(plan, predictor.bundle, settings.engine)
        # closed before the connection is, which Ray Data's own threads use until then
        with connected(address) as ray, closing(_reports(ray, files, plan)) as reports:
            for report in reports:
                tally.add(report, plan)
                watch(tally.rows, tally.bytes)
        tally.check_whole(folder)
    seconds = perf_counter() - start
    return Outcome(predictor.version, tally.rows, tally.broken, tally.counts.by_label(), seconds)


class PieceScorer:
    """An actor's work: it has one engine, of the bundle that the command has read and proved."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan

    @cached_property
    def _predictor(self) -> Predictor:
        return left_model(self._plan)

    def __call__(self, pieces: Any) -> Any:
        """Score pieces, rows of a pyarrow table, and tell what came of each."""
        import pyarrow as pa

        reports = [self._scored(_own(piece)) for piece in pieces["piece"].to_pylist()]
        return pa.table({"report": pa.array(map(dumps, reports), pa.binary())})

    def _scored(self, piece: Piece) -> Report:
        try:
            return score_piece(self._predictor, piece, self._plan)
        except PhonePriceError as error:
            return Report(piece, error=error)
        except Exception as error:  # noqa: BLE001 - Ray would tell of it in pages, without the file
            return Report(piece, error=ClusterError(f"{piece.path} cannot be scored: {in_a_line(error)}"))


def _reports(ray: Any, files: Sequence[Path], plan: Plan) -> Generator[Report, None, None]:
    """Give what came of each piece, in order, so that the first error is the first in the files."""
    from ray.data import ActorPoolStrategy, DataContext, TaskPoolStrategy, from_items

    context = DataContext.get_current()
    context.enable_progress_bars = False
    context.execution_options.preserve_order = True
    context.execution_no_progress_timeout_s = PATIENCE_SECONDS
    context.target_max_block_size = 1  # a block for each piece: else an actor gets all of a file
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)  # it tells each plan, and each error twice
    cores = max(1, int(ray.cluster_resources().get("CPU", 1)))
    items = [{"path": str(path.absolute()), "file": number} for number, path in enumerate(files)]
    pieces = from_items(items, override_num_blocks=min(len(items), 1_000)).flat_map(
        _cut,
        num_cpus=0,  # they must run while actors hold all cores
        compute=TaskPoolStrategy(min(len(items), FILES_CUT_AT_A_TIME)),
    )
    reports = pieces.map_batches(
        PieceScorer,
        fn_constructor_args=(plan,),
        batch_format="pyarrow",
        batch_size=1,
        num_cpus=1,
        # one is enough to go on with, where nodes are lost
        compute=ActorPoolStrategy(
            min_size=1, max_size=cores, initial_size=cores, max_tasks_in_flight_per_actor=AHEAD
        ),
    )
    try:
        # not iter_rows: its threads may still ask when the connection is closed, which ends the process
        for bundle in reports.iter_internal_ref_bundles():
            for block in ray.get([entry.ref for entry in bundle.blocks]):
                yield from map(_own, block["report"].to_pylist())
    except Exception as error:  # noqa: BLE001 - Ray's errors share no base below Exception
        raise ClusterError(f"the cluster has failed: {in_a_line(error)}") from None


def _own(content: bytes) -> Any:
    return loads(content)  # noqa: S301 - what this module has put into it


def _cut(item: dict[str, Any]) -> Iterator[dict[str, bytes]]:
    path = Path(item["path"])
    for piece in cut(path, kind_of(path, ""), item["file"]):
        yield {"piece": dumps(piece)}
