"""python -m service: serve the model over HTTP."""

import os
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
import uvicorn
from pydantic import ValidationError

from contract.errors import PhonePriceError
from service.predictor import load_predictor
from service.settings import Settings

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

WRONG_USE = 2
"""Exit status when a setting is wrong."""

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
) -> None:
    """Serve the bundle that CURRENT names; refuse to start if anything about it is off.

    Every option is also an environment variable, as in PHONE_PRICE_PORT=9000; an option wins.
    """
    settings = _settings(host=host, port=port, workers=workers, artifacts=artifacts)
    try:
        load_predictor(settings)
    except PhonePriceError as error:
        _refuse(str(error), NOT_SERVABLE)
    # worker processes read the same settings from the environment
    os.environ |= {f"PHONE_PRICE_{name.upper()}": str(value) for name, value in settings.model_dump().items()}
    uvicorn.run(
        "service.app:create_app",
        factory=True,
        host=settings.host,
        port=settings.port,
        workers=settings.workers,
        access_log=settings.access_log,
        ws="none",
        server_header=False,
        timeout_graceful_shutdown=20,
        timeout_worker_healthcheck=30,  # a busy machine can take longer than the default 5 s to import
    )


def _settings(**options: str | int | Path | None) -> Settings:
    try:
        return Settings(**{name: value for name, value in options.items() if value is not None})  # type: ignore[arg-type]
    except ValidationError as error:
        first = error.errors()[0]
        return _refuse(f"setting {'.'.join(map(str, first['loc']))}: {first['msg']}", WRONG_USE)


def _refuse(reason: str, status: int) -> NoReturn:
    typer.echo(f"error: {reason}", err=True)
    raise typer.Exit(status)


if __name__ == "__main__":
    app(prog_name="python -m service")
