"""create_app(settings): importing starts nothing; the lifespan loads and proves the model, then opens."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypedDict

from fastapi import FastAPI

from service.body_limit import BodyLimit
from service.errors import install_error_handlers
from service.predictor import Predictor, load_predictor
from service.routes import health, model_info, predict
from service.settings import Settings

SUMMARY = "In which of four price ranges does a phone with these specifications sell?"

log = logging.getLogger("uvicorn.error")


class State(TypedDict):
    """What the lifespan hands to every request."""

    predictor: Predictor


def create_app(settings: Settings | None = None) -> FastAPI:
    """Return the service; without `settings` they come from the environment."""
    settings = settings or Settings()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[State]:
        predictor = load_predictor(settings)
        log.info("serving model %s with the %s engine", predictor.version, predictor.engine.name)
        yield State(predictor=predictor)

    app = FastAPI(title="Phone price", summary=SUMMARY, version="0.1.0", lifespan=lifespan)
    app.state.settings = settings
    app.add_middleware(BodyLimit, max_bytes=settings.max_body_bytes)
    install_error_handlers(app)
    for routes in (predict, health, model_info):
        app.include_router(routes.router)
    return app
