"""What the lifespan made, as handlers get it."""

from typing import Annotated

from fastapi import Depends, HTTPException, Request

from service.predictor import Predictor
from service.settings import Settings


def get_predictor(request: Request) -> Predictor:
    """The loaded model; 503 while there is none."""
    predictor: Predictor | None = getattr(request.state, "predictor", None)
    if predictor is None:
        raise HTTPException(503, "No model is loaded; try again soon")
    return predictor


def get_settings(request: Request) -> Settings:
    """The settings that the app was made with."""
    settings: Settings = request.app.state.settings
    return settings


LoadedPredictor = Annotated[Predictor, Depends(get_predictor)]
CurrentSettings = Annotated[Settings, Depends(get_settings)]
