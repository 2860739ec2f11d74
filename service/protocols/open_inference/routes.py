"""The endpoints of the Open Inference Protocol V2, and of Triton's extensions to it."""

import json
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, HTTPException, Request, Response

from contract.phone import EXAMPLE
from service.dependencies import CurrentSettings, LoadedPredictor, refuse_while_draining
from service.guards.body_limit import too_large
from service.json_limits import MAX_PHONE_BYTES
from service.json_text import json_text
from service.media_type import JSON
from service.predictor import Predictor
from service.protocols.models import Models
from service.protocols.open_inference import inference
from service.protocols.open_inference.compression import ENCODINGS, unpacked
from service.protocols.open_inference.metadata import (
    INFERENCE_REQUEST,
    INPUT,
    AllStatistics,
    IndexedModel,
    InferenceAnswer,
    InferenceError,
    Live,
    ModelConfig,
    ModelMetadata,
    ModelReady,
    Ready,
    ServerMetadata,
)
from service.protocols.open_inference.request import JSON_LENGTH
from service.protocols.open_inference.statistics import Statistics
from service.settings import Settings
from service.valid_phone import NotPlainlyValid

MODEL = "/v2/models/{model}"
VERSION = MODEL + "/versions/{version}"

_SCHEMA = {"model": InferenceError}
UNKNOWN: dict[int | str, dict[str, Any]] = {
    404: _SCHEMA | {"description": "There is no such model or version"}
}
MALFORMED: dict[int | str, dict[str, Any]] = {400: _SCHEMA | {"description": "The request breaks a rule"}}
REFUSED = UNKNOWN | MALFORMED

router = APIRouter(tags=["Open Inference Protocol"], responses={503: _SCHEMA})


async def get_model(request: Request, predictor: LoadedPredictor, settings: CurrentSettings) -> Predictor:
    """The model that the path names; 404 for another."""
    version = request.path_params.get("version", predictor.version)
    if request.path_params["model"] != settings.model_name or version != predictor.version:
        known = f"{settings.model_name}, version {predictor.version}"
        raise HTTPException(404, f"There is no such model or version: this service has {known}")
    return predictor


async def get_statistics(request: Request) -> Statistics:
    """The counters of this process."""
    statistics: Statistics = request.state.statistics
    return statistics


NamedModel = Annotated[Predictor, Depends(get_model)]
CurrentStatistics = Annotated[Statistics, Depends(get_statistics)]

WHILE_TAKING_REQUESTS = [Depends(refuse_while_draining)]


@router.get("/v2/health/live", summary="Whether the process answers")
async def live() -> Live:
    """Answer as long as the process does."""
    return Live()


@router.get("/v2/health/ready", summary="Whether the server can predict", dependencies=WHILE_TAKING_REQUESTS)
async def ready(_: LoadedPredictor) -> Ready:
    """Answer 200 when the service can predict, else 503."""
    return Ready()


@router.get("/v2", summary="What the server is")
@router.get("/v2/", include_in_schema=False)
async def server(request: Request, settings: CurrentSettings) -> ServerMetadata:
    """Tell the server's name, version and extensions."""
    return ServerMetadata(name=settings.model_name, version=request.app.version)


@router.get("/v2/models", summary="Which models there are")
async def models(settings: CurrentSettings) -> Models:
    """Name the one model."""
    return Models(models=[settings.model_name])


@router.get("/v2/models/stats", summary="How often each model was asked")
@router.get(MODEL + "/stats", summary="How often the model was asked", responses=UNKNOWN)
@router.get(VERSION + "/stats", summary="How often the version was asked", responses=UNKNOWN)
async def stats(
    request: Request, predictor: LoadedPredictor, settings: CurrentSettings, statistics: CurrentStatistics
) -> AllStatistics:
    """Tell what this process has inferred by this protocol since it began, and where the time went."""
    if "model" in request.path_params:
        await get_model(request, predictor, settings)
    return AllStatistics(model_stats=[statistics.of(settings.model_name, predictor.version)])


@router.get(MODEL, summary="What the model takes and gives", responses=UNKNOWN)
@router.get(VERSION, summary="What the version takes and gives", responses=UNKNOWN)
async def model(predictor: NamedModel, settings: CurrentSettings) -> ModelMetadata:
    """Tell the model's inputs and outputs."""
    return ModelMetadata.of(settings.model_name, predictor)


_READY: dict[str, Any] = {"responses": UNKNOWN, "dependencies": WHILE_TAKING_REQUESTS}


@router.get(MODEL + "/ready", summary="Whether the model can predict", **_READY)
@router.get(VERSION + "/ready", summary="Whether the version can predict", **_READY)
async def model_ready(_: NamedModel, settings: CurrentSettings) -> ModelReady:
    """Answer 200 when the model can predict, else 503."""
    return ModelReady(name=settings.model_name)


_CONFIG: dict[str, Any] = {"responses": UNKNOWN, "response_model_exclude_none": True}


@router.get(MODEL + "/config", summary="The model's configuration", **_CONFIG)
@router.get(VERSION + "/config", summary="The version's configuration", **_CONFIG)
async def config(predictor: NamedModel, settings: CurrentSettings) -> ModelConfig:
    """Tell the model's configuration as Triton has it."""
    return ModelConfig.of(settings.model_name, predictor, settings.max_batch_rows)


_EXAMPLE = {
    "inputs": [
        {"name": INPUT, "shape": [1, len(EXAMPLE)], "datatype": "FP32", "data": [list(EXAMPLE.values())]}
    ]
}
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_HEADERS: dict[str, dict[str, Any]] = {
    JSON_LENGTH.title(): {
        "description": "Bytes of the JSON, where those of tensors follow it",
        "schema": {"type": "integer", "minimum": 0},
    },
    "Content-Encoding": {
        "description": "How the body is packed, if it is",
        "schema": {"type": "string", "enum": ENCODINGS},
    },
}
"""Of a request and of its answer."""
_INFER: dict[str, Any] = {
    "response_class": Response,
    "responses": REFUSED
    | {
        200: {
            "model": InferenceAnswer,
            "content": {"application/octet-stream": _BINARY},
            "headers": _HEADERS,
            "description": "The outputs; where some are binary, their bytes behind the JSON",
        },
        413: _SCHEMA | {"description": "The body is too large"},
        415: _SCHEMA | {"description": "The Content-Encoding is not one of those unpacked"},
    },
    "openapi_extra": {
        "parameters": [
            {"name": name, "in": "header", "required": False, **header} for name, header in _HEADERS.items()
        ],
        "requestBody": {
            "required": True,
            "content": {
                JSON: {"schema": INFERENCE_REQUEST, "example": _EXAMPLE},
                "application/octet-stream": _BINARY,
            },
        },
    },
}


@router.post(MODEL + "/infer", summary="Predict", **_INFER)
@router.post(VERSION + "/infer", summary="Predict by the version", **_INFER)
async def infer(
    request: Request, predictor: NamedModel, settings: CurrentSettings, statistics: CurrentStatistics
) -> Response:
    """Say in which price ranges phones sell: tensors in, tensors out, in JSON or as bytes behind it.

    Whatever the Content-Type says, the body is JSON up to Inference-Header-Content-Length, or to its end.
    """
    return await inference.infer(request, predictor, settings, statistics)


_OPTIONAL_OBJECT: dict[str, Any] = {"requestBody": {"content": {JSON: {"schema": {"type": "object"}}}}}


@router.post(
    "/v2/repository/index",
    summary="The models of the repository",
    responses=MALFORMED,
    openapi_extra=_OPTIONAL_OBJECT,
)
async def index(
    request: Request, predictor: LoadedPredictor, settings: CurrentSettings
) -> list[IndexedModel]:
    """Name the one model, which is always ready."""
    await _object(request, settings)
    return [IndexedModel(name=settings.model_name, version=predictor.version)]


@router.post(
    "/v2/repository/models/{model}/load",
    summary="Load the model",
    responses=REFUSED | {200: {"description": "It is loaded"}},
    openapi_extra=_OPTIONAL_OBJECT,
    response_class=Response,
)
async def load(request: Request, _: NamedModel, settings: CurrentSettings) -> Response:
    """Say that the model is loaded, as it always is: the service follows CURRENT by itself."""
    if (await _object(request, settings)).get("parameters"):
        raise HTTPException(400, "The model is loaded as it was trained; leave the parameters out")
    return Response(json.dumps({}), media_type=JSON)


@router.post(
    "/v2/repository/models/{model}/unload",
    summary="Unload the model: refused",
    status_code=400,
    responses=REFUSED,
    openapi_extra=_OPTIONAL_OBJECT,
    response_class=Response,
)
async def unload(_: NamedModel) -> Response:
    """Refuse: the service has one model, and is there to answer with it."""
    raise HTTPException(400, "The service has one model and keeps it; stop the service instead")


async def _object(request: Request, settings: Settings) -> dict[str, Any]:
    """Return the JSON object in the body, of which many clients send none. Raises 400."""
    body = await unpacked(request, settings.max_body_bytes)
    if len(body) > MAX_PHONE_BYTES:
        raise HTTPException(413, too_large(MAX_PHONE_BYTES))
    body = json_text(body)
    try:
        found: dict[str, Any] = msgspec.json.decode(body, type=dict[str, Any]) if body.strip() else {}
    except NotPlainlyValid:
        raise HTTPException(400, "The body must be a JSON object, or empty") from None
    return found
