"""serve: the model over HTTP."""

import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Annotated

import typer
import uvicorn

from contract.errors import KeysError, PhonePriceError
from service.commands.terminal import (
    NOT_SERVABLE,
    WRONG_USE,
    Option,
    given,
    refuse,
    setting,
    settings_with,
)
from service.guards.keys import Keyring, check_who_may_call
from service.lifecycle.ending import end_gently
from service.lifecycle.reload import keep_proved
from service.lifecycle.supervision import supervise_closely
from service.platform import platform_defaults, storage_uri
from service.predictor import load_predictor
from service.process import create_app
from service.storage import fetched, without_secrets
from service.telemetry.logs import configuration
from service.telemetry.shared_metrics import shared_by
from service.telemetry.tracing import check_tracing


def serve(
    host: Annotated[str | None, setting("host")] = None,
    port: Annotated[int | None, setting("port")] = None,
    workers: Annotated[int | None, setting("workers")] = None,
    artifacts: Annotated[Path | None, setting("artifacts")] = None,
    insecure: Annotated[bool | None, setting("insecure")] = None,
) -> None:
    """Serve the bundle that CURRENT names; refuse to start if anything about it is off.

    Every option is also an environment variable, as in PHONE_PRICE_PORT=9000; an option wins.
    """
    options = {"host": host, "port": port, "workers": workers, "artifacts": artifacts, "insecure": insecure}
    try:
        uri = None if artifacts else storage_uri()
        if uri:
            typer.echo(f"fetching {without_secrets(uri)}", err=True)
        with fetched(uri) as folder:
            _serve({**options, "artifacts": artifacts or folder})
    except KeysError as error:
        refuse(str(error), WRONG_USE)
    except PhonePriceError as error:
        refuse(str(error), NOT_SERVABLE)


def _serve(options: Mapping[str, Option]) -> None:
    settings = settings_with(**options)
    check_who_may_call(settings)
    check_tracing()
    predictor = load_predictor(settings)
    if platform_defaults().get("insecure") and settings.insecure and Keyring(settings).is_empty:
        note = f"note: as its platform's variables say, on {settings.host} callers need no key"
        typer.echo(note, err=True)
    # worker processes read their settings from the environment
    os.environ |= {f"PHONE_PRICE_{name.upper()}": str(value) for name, value in given(options).items()}
    end_gently()
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
