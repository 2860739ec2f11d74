"""GET /health for people, /health/live and /health/ready for orchestrators."""

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel

from service.dependencies import LoadedPredictor
from service.errors import ErrorBody

router = APIRouter(tags=["health"])


class Alive(BaseModel):
    """The process answers."""

    status: Literal["alive"] = "alive"


class Healthy(BaseModel):
    """The service can predict."""

    status: Literal["ok"] = "ok"
    model_version: str
    engine: str


@router.get("/health/live")
async def live() -> Alive:
    """Answer as long as the process does; a restart cures a failure of this."""
    return Alive()


@router.get("/health", responses={503: {"model": ErrorBody, "description": "It cannot predict"}})
@router.get("/health/ready", responses={503: {"model": ErrorBody, "description": "It cannot predict"}})
async def ready(predictor: LoadedPredictor) -> Healthy:
    """Answer 200 when the service can predict, else 503 with the reason."""
    return Healthy(model_version=predictor.version, engine=predictor.engine.name)
