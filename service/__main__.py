"""python -m service: serve the model over HTTP, or score a table in a file."""

import os
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeAlias

import typer
import uvicorn
from pydantic import ValidationError

from contract.cluster import ADDRESS, Engine
from contract.errors import ClusterError, KeysError, PhonePriceError, PlatformError, TableFileError
from service.guards.keys import Keyring, check_who_may_call
from service.lifecycle.reload import keep_proved
from service.lifecycle.supervision import supervise_closely
from service.platform import platform_defaults, storage_uri
from service.predictor import load_predictor
from service.process import create_app
from service.settings import Settings
from service.storage import fetched, without_secrets
from service.tables.choices import Keep, OnError
from service.telemetry.logs import configuration
from service.telemetry.shared_metrics import shared_by
from service.telemetry.tracing import check_tracing

if TYPE_CHECKING:
    from service.scoring.one_process import Outcome

Option: TypeAlias = str | int | bool | Path | None

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

WRONG_USE = 2
"""Exit status when a setting is wrong."""

INTERRUPTED = 130
"""Exit status after Ctrl-C."""

PIPE_CLOSED = 141
"""Exit status when nobody reads standard output any more, as that of a program ended by SIGPIPE."""

TABLE_FILE = "A table, by its ending .csv, .ndjson, .jsonl, .arrow, .feather, .arrows or .parquet"

NOT_SERVABLE = 3
"""Exit status when the bundle or the engine is, as uvicorn has it for any start that failed."""


@app.callback()
def service() -> None:
    """Answer in which of four price ranges a phone sells."""


def _option(name: str) -> Any:
    """An option that is told of as the setting is."""
    setting = Settings.model_fields[name]
    return typer.Option(help=setting.description, show_default=str(setting.default))


@app.command()
def serve(
    host: Annotated[str | None, _option("host")] = None,
    port: Annotated[int | None, _option("port")] = None,
    workers: Annotated[int | None, _option("workers")] = None,
    artifacts: Annotated[Path | None, _option("artifacts")] = None,
    insecure: Annotated[bool | None, _option("insecure")] = None,
) -> None:
    """Serve the bundle that CURRENT names; refuse to start if anything about it is off.

    Every option is also an environment variable, as in PHONE_PRICE_PORT=9000; an option wins.
    """
    given = {"host": host, "port": port, "workers": workers, "artifacts": artifacts, "insecure": insecure}
    try:
        uri = None if artifacts else storage_uri()
        if uri:
            typer.echo(f"fetching {without_secrets(uri)}", err=True)
        with fetched(uri) as folder:
            _serve({**given, "artifacts": artifacts or folder})
    except KeysError as error:
        _refuse(str(error), WRONG_USE)
    except PhonePriceError as error:
        _refuse(str(error), NOT_SERVABLE)


def _serve(options: Mapping[str, Option]) -> None:
    settings = _settings(**options)
    check_who_may_call(settings)
    check_tracing()
    predictor = load_predictor(settings)
    if platform_defaults().get("insecure") and settings.insecure and Keyring(settings).is_empty:
        note = f"note: as its platform's variables say, on {settings.host} callers need no key"
        typer.echo(note, err=True)
    # worker processes read their settings from the environment
    os.environ |= {f"PHONE_PRICE_{name.upper()}": str(value) for name, value in _given(options).items()}
    if settings.workers > 1:
        supervise_closely()
        Thread(target=keep_proved, args=(settings, predictor.version), daemon=True).start()
    with shared_by(settings.workers):
        uvicorn.run(
            partial(create_app, settings, predictor)
            if settings.workers == 1
            else "service.process:create_app",
            factory=True,
            host=settings.host,
            port=settings.port,
            workers=settings.workers,
            log_config=configuration(settings),
            access_log=False,  # ours knows no query, but the request's id
            proxy_headers=settings.access_log,  # the client's address is of use to the log alone
            http="service.http_protocol:PhonePriceProtocol",
            ws="none",
            server_header=False,
            timeout_keep_alive=75,  # longer than a proxy's: else it writes into what is being closed
            timeout_graceful_shutdown=20,
            timeout_worker_healthcheck=30,  # a busy machine can take longer than the default 5 s to import
        )


@app.command("score")
def score_table(
    source: Annotated[
        Path,
        typer.Argument(metavar="INPUT", help=f"{TABLE_FILE}; - is standard input. On Ray also a folder."),
    ],
    target: Annotated[
        Path,
        typer.Argument(
            metavar="OUTPUT",
            help=f"{TABLE_FILE}; - is standard output. On Ray a folder that is not there yet.",
        ),
    ],
    keep: Annotated[
        Keep, typer.Option(help="Which of the table's own columns come back before the answers.")
    ] = Keep.NONE,
    on_error: Annotated[
        OnError, typer.Option(help="fail: a broken row ends it all; skip: it comes back with its errors.")
    ] = OnError.FAIL,
    source_ending: Annotated[str, typer.Option("--from", help="What - brings, as an ending.")] = "csv",
    target_ending: Annotated[
        str | None,
        typer.Option(
            "--to", help="What - takes, as an ending: csv, if none is given; on Ray, parts: parquet."
        ),
    ] = None,
    engine: Annotated[
        Engine, typer.Option(help="local: this process; ray: a Ray cluster (needs the ray extra).")
    ] = Engine.LOCAL,
    address: Annotated[str | None, typer.Option(help=ADDRESS)] = None,
    artifacts: Annotated[Path | None, _option("artifacts")] = None,
) -> None:
    """Score a table in a file, by the rules and with the numbers of POST /predict/batch.

    OUTPUT is written beside and renamed: until all rows are scored, what stood there stays. On Ray it is a
    folder of parts, by their names in the order of the rows; all nodes must reach INPUT and OUTPUT.
    """
    # imported here: serving needs none of it
    from service.scoring.progress import shown

    score, usual_ending = RUNNERS[engine](address)
    settings = _settings(artifacts=artifacts)
    try:
        with shown(source) as progress:
            outcome = score(
                settings,
                source,
                target,
                kinds=(source_ending, target_ending or usual_ending),
                keep=keep is Keep.ALL,
                on_error=on_error,
                watch=progress,
            )
    except (TableFileError, ClusterError) as error:
        _refuse(str(error), WRONG_USE)
    except PhonePriceError as error:
        _refuse(str(error), NOT_SERVABLE)
    except KeyboardInterrupt:
        _refuse(f"interrupted; {target} is as it was", INTERRUPTED)
    except BrokenPipeError:  # whoever reads has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else Python complains at its end
        raise typer.Exit(PIPE_CLOSED) from None
    typer.echo(outcome.told(), err=True)


def _locally(address: str | None) -> tuple[Callable[..., "Outcome"], str]:
    from service.scoring.one_process import score

    if address is not None:
        _refuse("--address is the Ray cluster's: say --engine ray, too", WRONG_USE)
    return score, "csv"


def _on_ray(address: str | None) -> tuple[Callable[..., "Outcome"], str]:
    from service.scoring.on_ray import score

    return partial(score, address=address), "parquet"


RUNNERS = {Engine.LOCAL: _locally, Engine.RAY: _on_ray}
"""What scores a table, and what it writes where no ending says so."""


def _given(options: Mapping[str, Option]) -> dict[str, Option]:
    return {name: value for name, value in options.items() if value is not None}


def _settings(**options: Option) -> Settings:
    try:
        return Settings(**_given(options))  # type: ignore[arg-type]
    except PlatformError as error:
        return _refuse(str(error), WRONG_USE)
    except ValidationError as error:
        first = error.errors()[0]
        return _refuse(f"setting {'.'.join(map(str, first['loc']))}: {first['msg']}", WRONG_USE)


def _refuse(reason: str, status: int) -> NoReturn:
    typer.echo(f"error: {reason}", err=True)
    raise typer.Exit(status)


if __name__ == "__main__":
    app(prog_name="python -m service")
