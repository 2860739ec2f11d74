"""`{"instances": [...]}` in, `{"predictions": [...]}` out: what KServe's V1 and Vertex AI have in common."""

from collections.abc import Collection, Iterator
from functools import partial
from typing import Any

import msgspec
from fastapi import Request, Response
from pydantic import BaseModel

from contract.phone import EXAMPLE
from service.json_limits import check_size
from service.media_type import JSON
from service.prediction import Prediction
from service.predictor import Predictor
from service.protocols.error_text import ErrorText
from service.protocols.rows import ABSENT, COUNT, one_of, read_object, read_rows
from service.protocols.tables import answer_table
from service.settings import Settings
from service.tables.rows import Rows
from service.tables.writers.objects import JsonWriter


class PredictedInstances(BaseModel):
    """The price ranges of phones, in the order they came."""

    predictions: list[Prediction]


_ERROR = {"model": ErrorText}

REFUSED: dict[int | str, dict[str, Any]] = {
    400: _ERROR | {"description": "The request breaks a rule"},
    413: _ERROR | {"description": "The body is too large"},
    507: _ERROR | {"description": "There is no room to hold the answer"},
}
"""Of what is posted, for the description of the interface."""

PHONES: dict[str, Any] = {
    "type": "array",
    "minItems": 1,
    "items": {
        "anyOf": [
            {
                "$ref": "#/components/schemas/Phone",
                "description": "By name; what is no specification is ignored",
            },
            {
                "type": "array",
                "items": {"type": ["number", "boolean"]},
                "minItems": COUNT,
                "maxItems": COUNT,
                "description": "In the order of /model-info; true and false are 1 and 0 of a flag",
            },
        ]
    },
}
"""A list of phones, for the description of the interface."""


class _Instances(msgspec.Struct):
    instances: msgspec.Raw = ABSENT
    inputs: msgspec.Raw = ABSENT


def read_instances(body: bytes, names: Collection[str], max_rows: int) -> Iterator[Rows]:
    """Give the rows of the list, by whichever of its names. Raises `InvalidTableError`."""
    check_size(body, max_rows)
    name, rows = one_of(read_object(body, _Instances), names)
    return read_rows(rows, name, max_rows)


def answer_instances(
    request: Request, predictor: Predictor, settings: Settings, names: Collection[str]
) -> Response:
    """Answer a body, which is JSON whatever its Content-Type says."""
    read = partial(read_instances, names=names, max_rows=settings.max_batch_rows)
    return answer_table(request, predictor, settings, read, JsonWriter(None))


def described_body(names: Collection[str]) -> dict[str, Any]:
    """Return what a route needs to describe the body, which FastAPI has no part in reading."""
    content = {
        "schema": {
            "type": "object",
            "properties": dict.fromkeys(names, PHONES),
            "oneOf": [{"required": [name]} for name in names],
        },
        "example": {"instances": [EXAMPLE, list(EXAMPLE.values())]},
    }
    return {"requestBody": {"required": True, "content": {JSON: content}}}
