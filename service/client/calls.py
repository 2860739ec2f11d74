"""What there is to ask: what is sent, and how the answer is read. Knows no connection."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Generic, TypeVar

from msgspec.structs import asdict
from pydantic import TypeAdapter

from contract.phone import Phone
from service.client import tables
from service.client.answers import (
    Explanation,
    Health,
    ModelInfo,
    PredictedRanges,
    Prediction,
    WhatIf,
)
from service.client.exchange import Answer, from_json, no_answer
from service.client.phones import AnyPhone, phone_of, phones_of

PHONES_PER_CALL = 10_000
"""What the service takes in one call, unless its PHONE_PRICE_MAX_BATCH_ROWS says less."""

JSON = {"Content-Type": "application/json"}
ARROW = {"Content-Type": tables.MEDIA_TYPE, "Accept": tables.MEDIA_TYPE}

_phones_json = TypeAdapter(list[Phone]).dump_json

Type = TypeVar("Type")


@dataclass(frozen=True, slots=True)
class Call(Generic[Type]):
    """One request; `content` can be iterated over again for each attempt."""

    method: str
    path: str
    read: Callable[[Answer], Type]
    content: bytes | Iterable[bytes] = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    tells_deadline: bool = True
    repeated: bool = True

    def headers_for(self, seconds: float) -> dict[str, str]:
        """Return the headers of an attempt that has so much time."""
        told = {"X-Request-Timeout": str(math.ceil(1000 * seconds))} if self.tells_deadline else {}
        return {**self.headers, **told}


def health() -> Call[Health]:
    """Ask once: who asks for the health wants to know it now."""
    return Call("GET", "/health", partial(from_json, Health), repeated=False)


def model_info() -> Call[ModelInfo]:
    """Ask for the served model."""
    return Call("GET", "/model-info", partial(from_json, ModelInfo))


def predict(phone: AnyPhone) -> Call[Prediction]:
    """Ask for one phone's price range.

    The service is not told when it would be too late: it answers in less than a millisecond, and that header
    would keep it from its fastest way.
    """
    return Call(
        "POST", "/predict", partial(from_json, Prediction), _json(phone), headers=JSON, tells_deadline=False
    )


def predict_many(phones: Iterable[AnyPhone], phones_per_call: int) -> Iterator[Call[list[Prediction]]]:
    """Ask for the price ranges of so many at a time. Raises `ValueError` for none at a time."""
    if phones_per_call < 1:
        raise ValueError("phones_per_call must be 1 or more")
    listed = phones_of(phones)
    for start in range(0, len(listed), phones_per_call):
        part = listed[start : start + phones_per_call]
        content = b'{"phones":%s}' % _phones_json(part)
        yield Call("POST", "/predict/batch", partial(_predictions, len(part)), content, headers=JSON)


def explain(phone: AnyPhone) -> Call[Explanation]:
    """Ask why."""
    return Call("POST", "/explain", partial(from_json, Explanation), _json(phone), headers=JSON)


def what_if(phone: AnyPhone) -> Call[WhatIf]:
    """Ask what would change it."""
    return Call("POST", "/what-if", partial(from_json, WhatIf), _json(phone), headers=JSON)


def predict_table(table: tables.Table) -> Call[tables.Table]:
    """Ask for the price ranges of a pandas.DataFrame or a pyarrow.Table."""
    content = tables.ArrowStream(tables.specifications_of(table))
    return Call("POST", "/predict/batch", partial(tables.answer_to, table), content, headers=ARROW)


def _json(phone: AnyPhone) -> bytes:
    return phone_of(phone).model_dump_json().encode()


def _predictions(asked: int, answer: Answer) -> list[Prediction]:
    found = from_json(PredictedRanges, answer)
    if len(found.predictions) != asked:
        raise no_answer(answer, f"{len(found.predictions)} predictions for {asked} phones")
    return [Prediction(**asdict(each), model_version=found.model_version) for each in found.predictions]
