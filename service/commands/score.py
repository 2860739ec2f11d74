"""score: a table in a file, here or on a Ray cluster."""

import os
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from contract.cluster import ADDRESS, Where
from contract.errors import ClusterError, KeysError, PhonePriceError, TableFileError
from service.commands.terminal import NOT_SERVABLE, WRONG_USE, refuse, setting, settings_with
from service.tables.choices import Keep, OnError

if TYPE_CHECKING:
    from service.scoring.one_process import Outcome

INTERRUPTED = 130
"""Exit status after Ctrl-C, or SIGTERM."""

PIPE_CLOSED = 141
"""Exit status when nobody reads standard output any more, as that of a program ended by SIGPIPE."""

TABLE_FILE = "A table, by its ending .csv, .ndjson, .jsonl, .arrow, .feather, .arrows or .parquet"


InputArgument: TypeAlias = Annotated[
    Path, typer.Argument(metavar="INPUT", help=f"{TABLE_FILE}; - is standard input. On Ray also a folder.")
]
OutputArgument: TypeAlias = Annotated[
    Path,
    typer.Argument(
        metavar="OUTPUT",
        help=f"{TABLE_FILE}; - is standard output. On Ray a folder of such parts that is not there yet.",
    ),
]
KeepOption: TypeAlias = Annotated[
    Keep, typer.Option(help="Which of the table's own columns come back before the answers.")
]
OnErrorOption: TypeAlias = Annotated[
    OnError, typer.Option(help="fail: a broken row ends it all; skip: it comes back with its errors.")
]
FromOption: TypeAlias = Annotated[str, typer.Option("--from", help="What - brings, as an ending.")]
ToOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--to", help="What - takes, as an ending: csv, if none is given. On Ray, what parts are: parquet."
    ),
]
EngineOption: TypeAlias = Annotated[
    Where, typer.Option(help="local: this process; ray: a Ray cluster (needs the ray extra).")
]


def score(
    source: InputArgument,
    target: OutputArgument,
    keep: KeepOption = Keep.NONE,
    on_error: OnErrorOption = OnError.FAIL,
    source_ending: FromOption = "csv",
    target_ending: ToOption = None,
    engine: EngineOption = Where.LOCAL,
    address: Annotated[str | None, typer.Option(help=ADDRESS)] = None,
    artifacts: Annotated[Path | None, setting("artifacts")] = None,
) -> None:
    """Score a table in a file, by the rules and with the numbers of POST /predict/batch.

    OUTPUT is written beside and renamed: until all rows are scored, what stood there stays. On Ray it is a
    folder of parts, by their names in the order of the rows; all nodes must reach INPUT and OUTPUT.
    """
    # imported here: serving needs none of it
    from service.scoring.progress import shown
    from service.scoring.table_file import ending_of, named

    run, usual_ending = RUNNERS[engine](address)
    settings = settings_with(artifacts=artifacts)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # else what is half written would stay
    try:
        with shown(source) as progress:
            outcome = run(
                settings,
                source,
                target,
                kinds=(source_ending, target_ending or ending_of(target) or usual_ending),
                keep=keep is Keep.ALL,
                on_error=on_error,
                watch=progress,
            )
    except (KeysError, TableFileError, ClusterError) as error:
        refuse(str(error), WRONG_USE)
    except PhonePriceError as error:
        refuse(str(error), NOT_SERVABLE)
    except KeyboardInterrupt:
        refuse(f"interrupted; {named(target)} is as it was", INTERRUPTED)
    except BrokenPipeError:  # whoever reads has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else Python complains at its end
        raise typer.Exit(PIPE_CLOSED) from None
    typer.echo(outcome.told(), err=True)


def _locally(address: str | None) -> tuple[Callable[..., "Outcome"], str]:
    from service.scoring.one_process import score

    if address is not None:
        refuse("--address is the Ray cluster's: say --engine ray, too", WRONG_USE)
    return score, "csv"


def _on_ray(address: str | None) -> tuple[Callable[..., "Outcome"], str]:
    from service.scoring.on_ray import score

    return partial(score, address=address), "parquet"


RUNNERS = {Where.LOCAL: _locally, Where.RAY: _on_ray}
"""What scores a table, and what it writes where no ending says so."""
