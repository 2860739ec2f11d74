"""One phone in a list of instances, ahead of FastAPI's machinery."""

from collections.abc import Sequence
from typing import Any

import msgspec

from service.fast_path import ShortCut
from service.prediction import PredictionAnswer
from service.valid_phone import ValidRow, ValidValues, values


class _ByName(msgspec.Struct, forbid_unknown_fields=True):
    instances: tuple[ValidRow]


class _InOrder(msgspec.Struct, forbid_unknown_fields=True):
    instances: tuple[ValidValues]


_decode_by_name = msgspec.json.Decoder(_ByName).decode
_decode_in_order = msgspec.json.Decoder(_InOrder).decode
_encode = msgspec.json.Encoder().encode


def short_cut(route: str) -> ShortCut:
    """Return how `{"instances": [phone]}` is answered, by name or in order."""
    return ShortCut(route, _read, _write, typed=False, tells_version=True)


def _read(body: bytes) -> tuple[Sequence[float], None]:
    if body.rfind(b"{") > body.find(b"{"):
        return values(_decode_by_name(body).instances[0]), None
    return _decode_in_order(body).instances[0], None


def _write(answer: PredictionAnswer, _: Any) -> bytes:
    prediction = {name: value for name, value in answer.items() if name != "model_version"}
    return _encode({"predictions": [prediction]})
