"""POST /invocations, by which MLflow and SageMaker ask; with what each of them looks after a container by.

MLflow's scoring server, and AWS' contract for containers that serve inference and batch transform.
"""

import json
import re
from asyncio import to_thread
from collections.abc import Iterable, Mapping
from typing import Any

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel

from contract.violation import Violation
from service.dependencies import CurrentSettings, LoadedPredictor, refuse_while_draining
from service.errors import told
from service.media_type import CSV, JSON, media_type, preferred
from service.protocols.dialect import Dialect, platform_status
from service.protocols.instances import PredictedInstances
from service.protocols.invocations.bodies import JSON_LINES, KINDS, reader_of
from service.protocols.invocations.description import BODY, TEXT
from service.protocols.invocations.writers import BareCsvWriter, LinesWriter
from service.protocols.tables import answer_table
from service.settings import Settings
from service.tables.writers import Writer
from service.tables.writers.objects import JsonWriter

ANSWERS = (JSON, CSV, JSON_LINES)

CODES = {
    401: "UNAUTHENTICATED",
    404: "ENDPOINT_NOT_FOUND",
    422: "INVALID_PARAMETER_VALUE",
    500: "INTERNAL_ERROR",
    503: "TEMPORARILY_UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
"""MLflow's names of errors; any other is a BAD_REQUEST."""


class InvocationError(BaseModel):
    """What every refusal looks like, as MLflow has it."""

    error_code: str
    message: str


class ExecutionParameters(BaseModel):
    """What a batch transform job may ask of one instance."""

    MaxConcurrentTransforms: int
    BatchStrategy: str = "MULTI_RECORD"
    MaxPayloadInMB: int


router = APIRouter(tags=["MLflow and SageMaker"])

_PLAIN: dict[int | str, dict[str, Any]] = {200: {"content": {"text/plain": TEXT}}}
_ERROR = {"model": InvocationError}


@router.get(
    "/ping",
    summary="Whether it can predict",
    response_class=Response,
    responses={200: {"description": "It can"}},
    dependencies=[Depends(refuse_while_draining)],
)
async def ping(_: LoadedPredictor) -> Response:
    """Answer 200 and nothing else when the service can predict, else 503."""
    return Response()


@router.get("/version", summary="The version", response_class=PlainTextResponse, responses=_PLAIN)
async def version(request: Request) -> Response:
    """Tell the service's version."""
    return PlainTextResponse(request.app.version)


@router.get("/execution-parameters", summary="What a batch transform job may ask")
async def execution_parameters(settings: CurrentSettings) -> ExecutionParameters:
    """Tell SageMaker how many requests to send at a time, and of what size."""
    return ExecutionParameters(
        MaxConcurrentTransforms=settings.max_tables,
        MaxPayloadInMB=max(1, settings.max_body_bytes // 2**20),
    )


@router.post(
    "/invocations",
    summary="Predict",
    response_class=Response,
    responses={
        200: {
            "model": PredictedInstances,
            "content": {CSV: TEXT, JSON_LINES: TEXT},
            "description": "The answers, in the kind that Accept asks for",
        },
        400: _ERROR | {"description": "The request breaks a rule"},
        406: _ERROR | {"description": "Accept names no kind that there is"},
        413: _ERROR | {"description": "The body is too large"},
        415: {
            "content": {"text/plain": TEXT},
            "description": "The Content-Type is not one of those accepted",
        },
        507: _ERROR | {"description": "There is no room to hold the answer"},
    },
    openapi_extra=BODY,
)
async def invocations(request: Request, predictor: LoadedPredictor, settings: CurrentSettings) -> Response:
    """Say in which price ranges phones sell.

    JSON has one of dataframe_split, dataframe_records, instances and inputs; CSV with 20 numbers in its first
    line has no header. A CSV answer has a line for each phone: its price range and the four probabilities.
    """
    if _charset(request) not in ("", "utf-8"):
        raise HTTPException(415, "Send text in UTF-8", {"Accept": ", ".join(KINDS)})
    writer = _writer(preferred(request, ANSWERS))
    # beside the event loop, as the first of a kind imports what it needs
    read = await to_thread(reader_of, media_type(request), settings)
    return answer_table(request, predictor, settings, read, writer)


def dialect(_: Settings) -> Dialect:
    """Return what MLflow and SageMaker speak."""
    return Dialect(
        router=router,
        paths=re.compile("/ping|/version|/execution-parameters|/invocations"),
        refuse=refuse,
        error_body=InvocationError,
        open_paths=frozenset({"/ping"}),
    )


def refuse(
    status: int, violations: Iterable[Violation], headers: Mapping[str, str] | None = None
) -> Response:
    """Return MLflow's error, and its plain text for a Content-Type that is not accepted."""
    message = "; ".join(each.msg for each in told(violations))
    if status == 415:
        return PlainTextResponse(message, status, headers)
    body = {"error_code": CODES.get(status, "BAD_REQUEST"), "message": message}
    return Response(json.dumps(body), platform_status(status), headers, JSON)


def _charset(request: Request) -> str:
    found = re.search(r"charset\s*=\s*\"?([^\s;\"]+)", request.headers.get("content-type", "").lower())
    return found[1] if found else ""


def _writer(kind: str) -> Writer:
    if kind == CSV:
        return BareCsvWriter()
    return LinesWriter() if kind == JSON_LINES else JsonWriter(None)
