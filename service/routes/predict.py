"""POST /predict and /predict/batch."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, BeforeValidator, ConfigDict, FailFast, Field, ValidationError
from pydantic_core import PydanticCustomError

from contract.errors import InvalidTableError
from contract.phone import EXAMPLE, FEATURES, Phone, to_specifications
from contract.table import read_table
from contract.violation import Violation
from service.dependencies import CurrentSettings, LoadedPredictor
from service.errors import ErrorBody
from service.media_type import CSV, JSON, media_type, require_json, unsupported
from service.prediction import Prediction, PredictionAnswer

router = APIRouter(tags=["prediction"])

EXAMPLE_CSV = f"{','.join(FEATURES)}\n{','.join(f'{value:g}' for value in EXAMPLE.values())}\n"


MOST_FIELDS = 2 * len(FEATURES)
"""An object of more fields is no phone with a misspelt field."""


def _of_a_phones_size(value: object) -> object:
    """Refuse an object of many fields as a whole: pydantic would make an error of each, a million of them."""
    if isinstance(value, dict) and len(value) > MOST_FIELDS:
        raise PydanticCustomError("too_many_fields", "A phone has 20 fields; this object has far more")
    return value


PostedPhone = Annotated[Phone, BeforeValidator(_of_a_phones_size)]


class PhoneBatch(BaseModel):
    """Many phones."""

    model_config = ConfigDict(extra="forbid")

    # the first bad phone is told and the rest not looked at, for the same reason as above
    phones: Annotated[list[PostedPhone], FailFast()] = Field(min_length=1, examples=[[EXAMPLE]])


class BatchAnswer(BaseModel):
    """The price ranges of many phones, in the order they came."""

    predictions: list[Prediction]
    model_version: str


def _batch_schema() -> dict[str, Any]:
    """The schema of `PhoneBatch`, with Phone where FastAPI has put it for /predict."""
    schema = PhoneBatch.model_json_schema(ref_template="#/components/schemas/{model}")
    del schema["$defs"]
    return schema


REFUSALS: dict[int | str, dict[str, Any]] = {
    400: {"model": ErrorBody, "description": "The body cannot be read"},
    413: {"model": ErrorBody, "description": "The body is too large"},
    415: {"model": ErrorBody, "description": "The Content-Type is not one of those accepted"},
    422: {"model": ErrorBody, "description": "A field breaks a rule"},
    503: {"model": ErrorBody, "description": "No model is loaded"},
}


@router.post("/predict", responses=REFUSALS, dependencies=[Depends(require_json)])
async def predict(
    phone: Annotated[PostedPhone, Body(openapi_examples={"made-up phone": {"value": EXAMPLE}})],
    predictor: LoadedPredictor,
) -> PredictionAnswer:
    """Say in which price range a phone with these specifications sells."""
    (answer,) = predictor.predict(to_specifications([phone])).answers()
    return {**answer, "model_version": predictor.version}


@router.post(
    "/predict/batch",
    responses=REFUSALS,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                JSON: {"schema": _batch_schema()},
                CSV: {"schema": {"type": "string"}, "example": EXAMPLE_CSV},
            },
        }
    },
)
async def predict_batch(
    request: Request, predictor: LoadedPredictor, settings: CurrentSettings
) -> BatchAnswer:
    """Say the price range of many phones: as JSON, or as CSV with a header, columns in any order."""
    phones = _read_phones(media_type(request), await request.body(), settings.max_batch_rows)
    return BatchAnswer(
        predictions=predictor.predict(to_specifications(phones)).answers(), model_version=predictor.version
    )


def _read_phones(kind: str, body: bytes, max_rows: int) -> list[Phone]:
    if kind == CSV:
        return read_table(body, Phone, max_rows)
    if kind == JSON:
        return _read_json(body, max_rows)
    raise unsupported(JSON, CSV)


def _read_json(body: bytes, max_rows: int) -> list[Phone]:
    try:
        phones = PhoneBatch.model_validate_json(body).phones
    except ValidationError as error:
        raise RequestValidationError(
            [{**item, "loc": ("body", *item["loc"])} for item in error.errors()]
        ) from None
    if len(phones) > max_rows:
        msg = f"Too many phones: send at most {max_rows} in one call"
        raise InvalidTableError([Violation("too_many_rows", ("phones",), msg)])
    return phones
