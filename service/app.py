"""create_app(settings): importing starts nothing; the lifespan loads and proves the model, then opens."""

import asyncio
import gc
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypedDict

from fastapi import APIRouter, Depends, FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from service.aside import Aside
from service.batching import TurnBatcher
from service.errors import ErrorBody, install_error_handlers
from service.fast_path import PREDICT, FastPath
from service.guards.access import ALIVE, HEALTH, METRICS, RequireKey
from service.guards.admission import TABLES, Overload, TableAdmission
from service.guards.body_limit import BodyLimit
from service.guards.content_encoding import PlainBodies
from service.guards.deadline import Deadline
from service.guards.frames import NoFrames
from service.guards.keys import Keyring
from service.head_as_get import HeadAsGet
from service.lifecycle.draining import Drain
from service.lifecycle.reload import Follower, follow, load_first
from service.lifecycle.watchdog import watch
from service.openapi import complete
from service.predictor import Predictor
from service.protocols.dialect import Dialects
from service.protocols.wording import Wording
from service.query import refuse_unknown_parameters
from service.routes import explain, health, metrics, model_info, page, predict
from service.settings import Settings, told
from service.telemetry.access_log import AccessLog
from service.telemetry.logs import LOGGER, in_json
from service.telemetry.metrics import Metrics, RequestMetrics
from service.telemetry.tracing import Tracing, tracing_wanted

SUMMARY = "In which of four price ranges does a phone with these specifications sell?"

VERSION = "0.1.0"

CHECKED: dict[str, Any] = {
    "dependencies": [Depends(refuse_unknown_parameters)],
    "responses": {422: {"model": ErrorBody, "description": "The path has no such query parameter"}},
}
"""What holds for the service's own routes. Links to the page gain parameters on their way, and may."""

NEW_OBJECTS = 10_000
"""Before the garbage collector looks at them. Its default of 700 is what twenty requests under way have, so
it would look at the same ones again and again: with 1,500 connections a fifth of the work."""

log = logging.getLogger(LOGGER)


class State(TypedDict):
    """What the lifespan hands to every request."""

    batcher: TurnBatcher
    aside: Aside
    follower: Follower
    drain: Drain
    overload: Overload


class PhonePriceService(FastAPI):
    """FastAPI, with admission and the fast path ahead of its machinery."""

    def __init__(self, settings: Settings, **described: Any) -> None:
        super().__init__(**described)
        self.state.settings = settings
        self.state.metrics = Metrics()
        self.state.keyring = Keyring(settings)
        self.dialects = Dialects(settings)
        self.open_paths = HEALTH | ALIVE | self.dialects.open_paths
        if settings.metrics_open:
            self.open_paths |= METRICS
        if settings.page:
            self.open_paths |= page.FILES  # the page itself asks for a key
        self.plain_path = HeadAsGet(Wording(super().__call__, self.dialects.refuse_at))
        fast_path = FastPath(
            self.plain_path,
            {PREDICT.route: PREDICT, **self.dialects.short_cuts},
            self.state.metrics,
            self.state.keyring,
            settings.max_body_bytes,
        )
        self._outermost: ASGIApp = TableAdmission(fast_path, settings, self.state.metrics, self.dialects)
        self.state.access_log = None
        if settings.access_log:
            self._outermost = self.state.access_log = AccessLog(self._outermost, in_json(settings))
        self.state.tracing = None
        if tracing_wanted():
            self._outermost = self.state.tracing = Tracing(self._outermost)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._outermost(scope, receive, send)

    def openapi(self) -> dict[str, Any]:
        """Describe the interface, with what FastAPI cannot know of it."""
        if not self.openapi_schema:
            keys_needed = not self.state.keyring.is_empty
            self.openapi_schema = complete(
                super().openapi(),
                keys_needed,
                self.open_paths,
                self.dialects.error_body_at,
                {"model": [self.state.settings.model_name]},
            )
        return self.openapi_schema


def create_app(settings: Settings | None = None, loaded: Predictor | None = None) -> PhonePriceService:
    """Return the service; without `settings` they come from the environment.

    The model is `loaded`, or loaded when the server starts the app.
    """
    settings = settings or Settings()

    @asynccontextmanager
    async def lifespan(app: PhonePriceService) -> AsyncIterator[State]:
        counters: Metrics = app.state.metrics

        def serve(predictor: Predictor) -> None:
            predictor.watch = counters.predicted
            counters.serving(predictor.version, predictor.engine.name, predictor.judge.unusual)
            batcher.predictor = predictor

        predictor = loaded or load_first(settings)
        batcher = TurnBatcher(predictor, counters.batch_of)
        counters.queue(batcher.waiting)
        serve(predictor)
        log.info("phone-price %s with settings %s", VERSION, told(settings))
        log.info("serving model %s with the %s engine", predictor.version, predictor.engine.name)
        follower = Follower(settings, predictor.version)
        _spare_the_collector()
        tasks = [
            asyncio.create_task(follow(follower, settings.reload_seconds, serve, counters.refused)),
            asyncio.create_task(app.state.keyring.follow_file()),
            asyncio.create_task(counters.keep_sampled()),
            asyncio.create_task(watch(settings.watchdog_seconds)),
        ]
        drain = Drain(settings.drain_seconds)
        drain.listen()
        overload = Overload(settings, counters, app.state.access_log, app.dialects)
        aside = Aside(settings, counters)
        yield State(batcher=batcher, aside=aside, follower=follower, drain=drain, overload=overload)
        aside.close()
        for task in tasks:
            task.cancel()
        await _flush(app)

    app = PhonePriceService(
        settings,
        title="Phone price",
        summary=SUMMARY,
        version=VERSION,
        lifespan=lifespan,
        redirect_slashes=False,  # the address would be made of Host, which the client writes
    )
    _furnish(app, settings)
    return app


def _spare_the_collector() -> None:
    """Exempt the objects of the start from garbage collection: scanning them again stalls requests."""
    gc.collect()
    gc.set_threshold(NEW_OBJECTS)
    gc.freeze()


async def _flush(app: PhonePriceService) -> None:
    """Write out what the access log and the tracer still hold."""
    if app.state.access_log:
        app.state.access_log.flush()
    if app.state.tracing:
        await asyncio.to_thread(app.state.tracing.exporter.shutdown)


def _furnish(app: PhonePriceService, settings: Settings) -> None:
    """Give the app its guards, the innermost first, its words for failures, and its routes."""
    app.add_middleware(BodyLimit, max_bytes=settings.max_body_bytes, tables=TABLES)
    app.add_middleware(PlainBodies, unpacked_at=app.dialects.unpack_at)
    app.add_middleware(NoFrames)
    app.add_middleware(Deadline)
    app.add_middleware(RequireKey, keyring=app.state.keyring, open_paths=app.open_paths)
    app.add_middleware(RequestMetrics, metrics=app.state.metrics)
    install_error_handlers(app)
    for dialect in app.dialects.all:
        app.include_router(dialect.router)
    spoken = {getattr(route, "path", None) for dialect in app.dialects.all for route in dialect.router.routes}
    for routes in (predict, explain, health, model_info, metrics, page):
        # what a platform was told to ask at, as Vertex AI may be of /predict, is answered as it expects
        own = [route for route in routes.router.routes if getattr(route, "path", None) not in spoken]
        app.include_router(APIRouter(routes=own), **({} if routes is page else CHECKED))
