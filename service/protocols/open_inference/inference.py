"""An inference from the bytes of its request to those of its answer; and the short cut for one phone."""

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
from fastapi import HTTPException, Request, Response

from contract.phone import SPECIFICATIONS, Specifications
from service.fast_path import ShortCut
from service.media_type import JSON
from service.prediction import PredictionAnswer
from service.predictor import Predictor
from service.protocols.open_inference.compression import packed, unpacked
from service.protocols.open_inference.inputs import read_phones
from service.protocols.open_inference.outputs import (
    DATATYPES,
    LABEL,
    PREDICT,
    PROBABILITIES,
    WIDTHS,
    Answers,
    Body,
    check_rows,
    check_wishes,
    write_answer,
)
from service.protocols.open_inference.request import JSON_LENGTH, InferenceRequest, decode, read_request
from service.protocols.open_inference.statistics import Stages, Statistics
from service.protocols.rows import COUNT, is_nested
from service.settings import Settings
from service.tables.plausible import checked
from service.valid_phone import ValidValues

PIECE_ROWS = 8 * 1024
"""Rows that are checked and predicted at a time: some milliseconds, then others get their turn."""

LONGEST_MICROSECONDS = 600_000_000
"""Nobody waits longer; and a float holds it."""

_WITH_DECIMALS = frozenset({"FP32", "FP64"})

_encode = msgspec.json.Encoder().encode
_decode_row = msgspec.json.Decoder(ValidValues).decode
_decode_rows = msgspec.json.Decoder(tuple[ValidValues]).decode


async def infer(
    request: Request, predictor: Predictor, settings: Settings, statistics: Statistics
) -> Response:
    """Answer an inference request. Raises `InvalidTableError`, 413 and 415, and 504 at its own deadline."""
    with statistics.request() as stages:
        body = await unpacked(request, settings.max_body_bytes)
        asked, binary = read_request(body, request.headers.get(JSON_LENGTH), settings.max_batch_rows)
        check_wishes(asked)
        phones = read_phones(asked, binary, settings.max_batch_rows)
        check_rows(asked, len(phones), settings.max_batch_rows)
        stages.end()
        answers = await _before(_deadline(asked), _predict(predictor, phones))
        stages.end()
        answer = write_answer(asked, _head(asked, settings.model_name, predictor.version), answers)
        stages.rows = len(phones)
        stages.end()
    return await _response(answer, request)


def short_cut(model: str, statistics: Statistics) -> ShortCut:
    """Return how the request for one phone is answered at once: all in JSON, and nothing wished for."""

    def read(body: bytes) -> tuple[Sequence[float], tuple[str, Stages]]:
        stages = Stages()
        asked = decode(body)
        (tensor,) = asked.inputs
        if asked.outputs or asked.parameters or "binary_data_size" in (tensor.parameters or ()):
            raise ValueError
        if tensor.shape != [1, COUNT] or tensor.datatype not in _WITH_DECIMALS:
            raise ValueError
        if tensor.name in SPECIFICATIONS:  # one of many, as its name says
            raise ValueError
        phone = _decode_rows(tensor.data)[0] if is_nested(tensor.data) else _decode_row(tensor.data)
        stages.rows = 1
        stages.end()
        return phone, (asked.id or "", stages)

    def write(answer: PredictionAnswer, asked: tuple[str, Stages]) -> bytes:
        identity, stages = asked
        stages.end()
        values = {
            PREDICT: [answer["price_range"]],
            PROBABILITIES: answer["probabilities"],
            LABEL: [answer["label"]],
        }
        head = {"model_name": model, "model_version": answer["model_version"], "id": identity}
        outputs = [{**described, "data": values[described["name"]]} for described in _OF_ONE_PHONE]
        content = _encode({**head, "outputs": outputs})
        stages.end()
        statistics.count(stages)
        return content

    return ShortCut(
        "/v2/models/{model}/infer", read, write, typed=False, not_with=frozenset({JSON_LENGTH.encode()})
    )


_OF_ONE_PHONE: list[dict[str, Any]] = [
    {"name": name, "shape": [1, *WIDTHS[name]], "datatype": datatype} for name, datatype in DATATYPES.items()
]


def _head(asked: InferenceRequest, model: str, version: str) -> dict[str, str]:
    # a string in any case: clients fail at null
    return {"model_name": model, "model_version": version, "id": asked.id or ""}


async def _predict(predictor: Predictor, phones: Specifications) -> Answers:
    """Check and predict the phones a piece at a time. Raises `InvalidTableError`."""
    predicted = []
    for start in range(0, len(phones), PIECE_ROWS):
        for rows in checked(phones[start : start + PIECE_ROWS], start):
            if rows.broken:
                raise rows.error()
            predicted.append(predictor.predict(rows.specifications))
            await asyncio.sleep(0)
    return Answers(
        np.concatenate([each.price_range for each in predicted]),
        np.concatenate([each.probabilities for each in predicted]),
    )


def _deadline(asked: InferenceRequest) -> float | None:
    """Return the seconds that the request gives; `timeout` is in microseconds."""
    given = (asked.parameters or {}).get("timeout")
    if not isinstance(given, int) or isinstance(given, bool) or given <= 0:
        return None
    return min(given, LONGEST_MICROSECONDS) / 1e6


async def _before(seconds: float | None, work: Any) -> Answers:
    try:
        async with asyncio.timeout(seconds):
            answers: Answers = await work
            return answers
    except TimeoutError:
        raise HTTPException(504, "The time that the parameter timeout gave has gone by") from None


async def _response(answer: Body, request: Request) -> Response:
    content, headers = await packed(answer.content, request.headers.get("accept-encoding", ""))
    if answer.json_length is None:
        return Response(content, headers=headers, media_type=JSON)
    headers[JSON_LENGTH] = str(answer.json_length)
    return Response(content, headers=headers, media_type="application/octet-stream")
