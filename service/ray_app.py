"""The service as a Ray Serve deployment, for those who already run Ray: `serve run service.ray_app:app`.

It is the same app; only who listens is another. The proxies of Ray's cluster take the requests and hand them
to replicas, of which Serve starts more when there is more to do, and another when one fails.
"""

import logging
from collections.abc import MutableMapping
from typing import Any

from pydantic import ValidationError
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from contract.bundle import check_golden_rows
from contract.cluster import INSTALL
from contract.errors import ClusterError, KeysError, PhonePriceError
from service.app import create_app
from service.guards.keys import Keyring
from service.predictor import load_predictor
from service.settings import Settings, wrong_setting
from service.telemetry.logs import LOGGER
from service.telemetry.tracing import check_tracing

try:
    import click
    from ray import serve
except ImportError:
    raise ClusterError(INSTALL) from None

SERVES_LOGGER = "ray.serve"

NOT_OURS = {"host", "port", "workers"}
"""Settings that Ray Serve has its own of: `http_options` say where it listens, replicas are its workers."""

AUTOSCALING = {"min_replicas": 1, "max_replicas": 8, "target_ongoing_requests": 16}
"""As long as no config file says otherwise. So many requests under way take some tens of milliseconds."""


class WrongUseError(click.ClickException):
    """What `serve run` tells in one line, ending with the status that wrong settings have everywhere."""

    exit_code = 2


class ForServe:
    """ASGI: hands what the lifespan made to every request, as uvicorn does and Ray Serve does not.

    X-Request-ID is left to Serve, which puts it on every answer itself; the log has the same one.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.state: MutableMapping[str, Any] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            self.state = scope["state"]
            await self.app(scope, receive, send)
            return

        async def without_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [each for each in message["headers"] if each[0] != b"x-request-id"]
            await send(message)

        await self.app({**scope, "state": dict(self.state)}, receive, without_id)


class PhonePrice:
    """A replica: the service with a model of its own, in a process of its own.

    Raises what is wrong with the bundle, which Serve shows as the reason why there is no replica.
    """

    def __init__(self, settings: Settings) -> None:
        _log_as_serve_does()
        self.app_for_serve = ForServe(create_app(settings, load_predictor(settings)))

    def __serve_build_asgi_app__(self) -> ASGIApp:
        """Give Serve a plain callable: to a FastAPI app it would add error handlers of its own."""
        return self.app_for_serve

    async def check_health(self) -> None:
        """Raise a `PhonePriceError` if the model that serves does not predict what it should.

        Serve asks on the event loop that serves: where that stands still, the answer stays away, and Serve
        starts another replica as well.
        """
        predictor = self.app_for_serve.state["batcher"].predictor
        check_golden_rows(predictor.manifest.golden_rows, predictor.engine.predict)


def app(arguments: dict[str, Any]) -> serve.Application:
    """Return what `serve run service.ray_app:app NAME=VALUE ...` serves; a name is that of a setting.

    Settings come from the environment of that command, or from `runtime_env` of a config file, and travel to
    the replicas; an argument wins. Raises `WrongUseError`.
    """
    try:
        settings = _settings(arguments)
        check_tracing()
    except PhonePriceError as error:
        raise WrongUseError(str(error)) from None
    except ValidationError as error:
        raise WrongUseError(wrong_setting(error)) from None
    replicas = serve.deployment(
        max_ongoing_requests=settings.max_requests,
        max_queued_requests=settings.max_requests,
        backpressure_config={"retry_after_s": 1},
        autoscaling_config=AUTOSCALING,
        health_check_period_s=5,
        health_check_timeout_s=15,
        graceful_shutdown_timeout_s=20,
    )
    return replicas(serve.ingress()(PhonePrice)).bind(settings)


def _settings(arguments: dict[str, Any]) -> Settings:
    """Read them, once for all replicas. Raises `KeysError` if strangers could call, and `ClusterError`."""
    for name in sorted(NOT_OURS & arguments.keys()):
        raise ClusterError(
            f"{name} is Ray Serve's own matter: see http_options and replicas in its config file"
        )
    settings = Settings(**arguments)
    if Keyring(settings).is_empty and not settings.insecure:
        raise KeysError(
            "Ray Serve listens where its cluster says, so strangers could call: set PHONE_PRICE_API_KEYS or "
            "PHONE_PRICE_API_KEYS_FILE (openssl rand -hex 32 makes a key), or PHONE_PRICE_INSECURE=true"
        )
    # replicas have another working directory
    return settings.model_copy(update={"artifacts": settings.artifacts.absolute()})


def _log_as_serve_does() -> None:
    """Have our log go wherever Serve's goes: nobody has configured ours in a replica."""
    log = logging.getLogger(LOGGER)
    log.handlers, log.propagate = logging.getLogger(SERVES_LOGGER).handlers, False
    log.setLevel(logging.INFO)
