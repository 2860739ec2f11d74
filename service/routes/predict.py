"""POST /predict and /predict/batch."""

from asyncio import to_thread
from collections.abc import AsyncIterator
from io import BytesIO
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query, Request, Response
from pydantic import BaseModel
from typing_extensions import TypedDict

from contract.phone import EXAMPLE, FEATURES
from contract.violation import Violation
from service.dependencies import CurrentSettings, LoadedPredictor
from service.errors import REFUSALS, ErrorBody
from service.guards.body_limit import declared_bytes, too_large
from service.media_type import (
    ARROW,
    CSV,
    JSON,
    NDJSON,
    PARQUET,
    TABLES,
    media_type,
    preferred,
    unsupported,
)
from service.prediction import Prediction, PredictionAnswer
from service.routes.one_phone import JsonRoute, OnePhone
from service.table_answer import TableAnswer, discard
from service.tables.choices import Keep, OnError
from service.tables.readers import Reader, open_reader
from service.tables.readers.json import PhoneBatch
from service.tables.scoring import TableScorer
from service.tables.writers import Writer, open_writer

router = APIRouter(tags=["prediction"])

EXAMPLE_CSV = f"{','.join(FEATURES)}\n{','.join(f'{value:g}' for value in EXAMPLE.values())}\n"

HELD_WHOLE = (JSON, PARQUET)
"""Kinds of table that cannot be read before they have ended."""


class Refused(TypedDict):
    """What is wrong with a phone, where `on_error=skip` was asked for."""

    error: list[Violation]


class BatchAnswer(BaseModel):
    """The price ranges of many phones, in the order they came."""

    predictions: list[Prediction | Refused]
    model_version: str


def _batch_schema() -> dict[str, Any]:
    """The schema of `PhoneBatch`, with Phone where FastAPI has put it for /predict."""
    schema = PhoneBatch.model_json_schema(ref_template="#/components/schemas/{model}")
    del schema["$defs"]
    return schema


BINARY = {"schema": {"type": "string", "format": "binary"}}
TEXT = {"schema": {"type": "string"}}


async def predict(phone: OnePhone, predictor: LoadedPredictor) -> PredictionAnswer:
    """Say in which price range a phone with these specifications sells."""
    (answer,) = predictor.predict(phone).answers()
    return predictor.signed(answer)


router.add_api_route(
    "/predict", predict, methods=["POST"], responses=REFUSALS, route_class_override=JsonRoute
)


@router.post(
    "/predict/batch",
    response_class=Response,
    responses={
        **REFUSALS,
        200: {
            "model": BatchAnswer,
            "content": {CSV: TEXT, NDJSON: TEXT, ARROW: BINARY, PARQUET: BINARY},
            "description": "The answers, in the kind that Accept asks for",
        },
        406: {"model": ErrorBody, "description": "Accept names no kind that there is"},
        507: {"model": ErrorBody, "description": "There is no room to hold the answer"},
    },
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                JSON: {"schema": _batch_schema()},
                CSV: {**TEXT, "example": EXAMPLE_CSV},
                NDJSON: TEXT,
                ARROW: BINARY,
                PARQUET: BINARY,
            },
        }
    },
)
async def predict_batch(
    request: Request,
    predictor: LoadedPredictor,
    settings: CurrentSettings,
    keep: Annotated[Keep, Query(description="Which of the table's own columns come back")] = Keep.NONE,
    on_error: Annotated[
        OnError, Query(description="fail: a broken row is a refusal; skip: it comes back with its errors")
    ] = OnError.FAIL,
) -> Response:
    """Say the price range of many phones: a table in by Content-Type, a table out by Accept.

    Columns are found by name; others are ignored, or kept.
    """
    kind = media_type(request)
    if kind not in TABLES:
        raise unsupported(*TABLES)
    accepted, kept, errors = preferred(request), keep is Keep.ALL, on_error is OnError.SKIP

    def opened() -> tuple[Reader, Writer]:
        reader = open_reader(kind, kept, BytesIO(), settings.max_batch_rows)
        return reader, open_writer(accepted, predictor.version, errors, kept)

    # beside the event loop, as the first of a kind imports what it needs: pyarrow takes a tenth of a second
    reader, writer = await to_thread(opened)
    scorer = TableScorer(predictor, reader, writer, on_error, settings.max_table_rows)
    chunks: AsyncIterator[bytes] = request.stream()
    if kind in HELD_WHOLE:
        if declared_bytes(request.scope) > settings.max_body_bytes:
            raise HTTPException(413, too_large(settings.max_body_bytes))
        chunks = _at_most(settings.max_body_bytes, chunks)
    return TableAnswer(chunks, scorer, writer.media_type, predictor.version, live=errors)


async def _at_most(max_bytes: int, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    received = 0
    async for chunk in chunks:
        received += len(chunk)
        if received > max_bytes:
            await discard(chunks)
            raise HTTPException(413, too_large(max_bytes))
        yield chunk
