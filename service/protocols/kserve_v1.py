"""KServe's protocol V1, which is that of TensorFlow Serving: instances in, predictions or explanations out.

https://kserve.github.io/website/docs/concepts/architecture/data-plane/v1-protocol
"""

import re
from functools import partial
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Depends, HTTPException, Request, Response
from pydantic import BaseModel

from contract.phone import Specifications
from service.aside import AsideAnswer
from service.dependencies import CurrentAside, CurrentSettings, LoadedPredictor, refuse_while_draining
from service.explanation import Explanation, explain
from service.guards.body_limit import too_large
from service.json_limits import MAX_PHONE_BYTES
from service.predictor import Predictor
from service.protocols.dialect import Dialect
from service.protocols.error_text import ErrorText, refuse
from service.protocols.instances import (
    REFUSED,
    PredictedInstances,
    answer_instances,
    described_body,
    read_instances,
)
from service.protocols.models import Models
from service.protocols.one_instance import short_cut
from service.settings import Settings

MODEL = "/v1/models/{model}"

NAMES = ("instances", "inputs")
"""What a list of phones is called."""


class ModelStatus(BaseModel):
    """Whether the model can predict."""

    name: str
    ready: bool = True


class V1Explanations(BaseModel):
    """Why phones get their price ranges, in the order they came."""

    explanations: list[Explanation]


router = APIRouter(tags=["KServe V1"])

UNKNOWN: dict[int | str, dict[str, Any]] = {
    404: {"model": ErrorText, "description": "There is no such model"}
}
INSTANCES = described_body(NAMES)


async def get_model(request: Request, predictor: LoadedPredictor, settings: CurrentSettings) -> Predictor:
    """The model that the path names; 404 for another."""
    name: str = request.path_params["model"]
    if name.endswith((":predict", ":explain")):  # asked for by GET
        raise HTTPException(405, headers={"Allow": "POST"})
    if name != settings.model_name:
        raise HTTPException(404, f"There is no such model: this service has {settings.model_name}")
    return predictor


NamedModel = Annotated[Predictor, Depends(get_model)]


@router.get("/v1/models", summary="Which models there are")
async def models(settings: CurrentSettings) -> Models:
    """Name the one model."""
    return Models(models=[settings.model_name])


@router.post(
    f"{MODEL}:predict",
    summary="Predict",
    response_class=Response,
    responses=UNKNOWN | REFUSED | {200: {"model": PredictedInstances}},
    openapi_extra=INSTANCES,
)
async def predict(request: Request, predictor: NamedModel, settings: CurrentSettings) -> Response:
    """Say in which price ranges phones sell: objects by name, or lists in the order of /model-info.

    Whatever the Content-Type says, the body is JSON.
    """
    return answer_instances(request, predictor, settings, NAMES)


@router.post(
    f"{MODEL}:explain",
    summary="Explain",
    response_class=Response,
    responses=UNKNOWN | REFUSED | {200: {"model": V1Explanations}},
    openapi_extra=INSTANCES,
)
async def explain_all(
    request: Request, predictor: NamedModel, settings: CurrentSettings, aside: CurrentAside
) -> Response:
    """Say why phones get their price ranges, as POST /explain does for one."""
    body = await request.body()
    if len(body) > MAX_PHONE_BYTES:  # there are but a few
        raise HTTPException(413, too_large(MAX_PHONE_BYTES))
    rows = [*read_instances(body, NAMES, settings.max_explanations)]
    phones = np.concatenate([each.specifications for each in rows])
    return AsideAnswer(aside, partial(_explanations, predictor, phones))


# after the verbs, which it would take for part of the name
@router.get(
    MODEL,
    summary="Whether the model can predict",
    responses=UNKNOWN,
    dependencies=[Depends(refuse_while_draining)],
)
async def status(_: NamedModel, settings: CurrentSettings) -> ModelStatus:
    """Answer 200 when the model can predict, else 503."""
    return ModelStatus(name=settings.model_name)


def _explanations(predictor: Predictor, phones: Specifications) -> dict[str, list[Explanation]]:
    return {"explanations": [explain(predictor, phone[None]) for phone in phones]}


def dialect(settings: Settings) -> Dialect:
    """Return what KServe's first protocol speaks."""
    model = settings.model_name
    return Dialect(
        router=router,
        paths=re.compile("/v1/models(/.*)?", re.DOTALL),
        refuse=refuse,
        error_body=ErrorText,
        short_cuts={f"/v1/models/{model}:predict": short_cut(f"{MODEL}:predict")},
    )
