"""GET /health for people, /health/live and /health/ready for orchestrators."""

from typing import Any, Literal

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from service.dependencies import CurrentRefusal, LoadedPredictor, refuse_while_draining
from service.errors import ErrorBody

router = APIRouter(tags=["health"])

READY: dict[str, Any] = {
    "response_model_exclude_unset": True,
    "responses": {503: {"model": ErrorBody, "description": "It cannot predict, or is stopping"}},
    "dependencies": [Depends(refuse_while_draining)],
}


class Alive(BaseModel):
    """The process answers."""

    status: Literal["alive"] = "alive"


class RefusedVersion(BaseModel):
    """What CURRENT names and cannot be served; the log says why."""

    version: str | None = Field(description="None where CURRENT itself cannot be read")
    error: str = Field(description="The kind of error, as FileHashError")


class Healthy(BaseModel):
    """The service can predict."""

    status: Literal["ok"] = "ok"
    model_version: str
    engine: str
    refused: RefusedVersion | None = Field(
        None, description="Absent while what CURRENT names is what answers"
    )


@router.get("/health/live")
async def live() -> Alive:
    """Answer as long as the process does; a restart cures a failure of this."""
    return Alive()


@router.get("/health", **READY)
@router.get("/health/ready", **READY)
async def ready(predictor: LoadedPredictor, refusal: CurrentRefusal) -> Healthy:
    """Answer 200 when the service can predict, else 503 with the reason."""
    health = Healthy(status="ok", model_version=predictor.version, engine=predictor.engine.name)
    if refusal:
        health.refused = RefusedVersion(version=refusal.version, error=type(refusal.error).__name__)
    return health
