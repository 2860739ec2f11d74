"""What the lifespan made, as handlers get it; asynchronous, so that no thread is woken for them."""

from typing import Annotated

from fastapi import Depends, HTTPException, Request

from service.aside import Aside
from service.batching import TurnBatcher
from service.lifecycle.draining import Drain
from service.lifecycle.reload import Follower, Refusal
from service.predictor import Predictor
from service.settings import Settings
from service.telemetry.metrics import Metrics


async def get_predictor(request: Request) -> Predictor:
    """The loaded model; 503 while there is none."""
    batcher: TurnBatcher | None = getattr(request.state, "batcher", None)
    if batcher is None:
        raise HTTPException(503, "No model is loaded; try again soon")
    return batcher.predictor


async def get_refusal(request: Request) -> Refusal | None:
    """What CURRENT names and cannot be served."""
    follower: Follower = request.state.follower
    return follower.refusal


async def refuse_while_draining(request: Request) -> None:
    """503 when the process is about to end."""
    drain: Drain | None = getattr(request.state, "drain", None)
    if drain and drain.begun:
        raise HTTPException(503, "The service is stopping")


async def get_settings(request: Request) -> Settings:
    """The settings that the app was made with."""
    settings: Settings = request.app.state.settings
    return settings


async def get_metrics(request: Request) -> Metrics:
    """The counters of this process."""
    metrics: Metrics = request.app.state.metrics
    return metrics


async def get_aside(request: Request) -> Aside:
    """What computes beside the event loop."""
    aside: Aside = request.state.aside
    return aside


CurrentAside = Annotated[Aside, Depends(get_aside)]
CurrentRefusal = Annotated[Refusal | None, Depends(get_refusal)]
LoadedPredictor = Annotated[Predictor, Depends(get_predictor)]
CurrentSettings = Annotated[Settings, Depends(get_settings)]
CurrentMetrics = Annotated[Metrics, Depends(get_metrics)]
