"""The request of an inference: JSON, and behind it the bytes of those tensors that are not in the JSON.

The Open Inference Protocol, and Triton's extension for binary tensors.
"""

from typing import Annotated, Any, TypeAlias

import msgspec

from contract.table import refusal
from service.json_limits import check_size
from service.json_text import json_text
from service.protocols.rows import ABSENT, not_json
from service.valid_phone import NotPlainlyValid

JSON_LENGTH = "inference-header-content-length"
"""The header that says how many bytes of the body are JSON; without it all are."""


Size: TypeAlias = Annotated[int, msgspec.Meta(ge=0, lt=2**31)]


class Tensor(msgspec.Struct):
    """A tensor that comes in; `data` is its JSON, `ABSENT` where the bytes follow."""

    name: str
    shape: list[Size]
    datatype: str
    parameters: dict[str, Any] | None = None
    data: msgspec.Raw = ABSENT


class Wish(msgspec.Struct):
    """A tensor that is to go out."""

    name: str
    parameters: dict[str, Any] | None = None


class InferenceRequest(msgspec.Struct):
    """What is asked; fields of other names are ignored, as some clients send them."""

    inputs: list[Tensor]
    id: str | None = None
    parameters: dict[str, Any] | None = None
    outputs: list[Wish] | None = None


decode = msgspec.json.Decoder(InferenceRequest).decode
"""Raises one of `NotPlainlyValid`."""


def read_request(body: bytes, json_length: str | None, max_rows: int) -> tuple[InferenceRequest, memoryview]:
    """Return the request and the bytes behind its JSON. Raises `InvalidTableError`."""
    end = len(body) if json_length is None else _length(json_length, len(body))
    content = body[:end]
    check_size(content, max_rows)
    try:
        asked = decode(json_text(content))
    except msgspec.ValidationError as error:
        reason = str(error).partition("\n")[0]
        msg = f"The body is no inference request of the Open Inference Protocol V2: {reason}"
        raise refusal("request_invalid", (), msg) from None
    except NotPlainlyValid as error:
        if json_length is None and "trailing" in str(error):
            msg = "Bytes follow the JSON: send Inference-Header-Content-Length, the number of bytes of JSON"
            raise refusal("json_length", (), msg) from None
        raise not_json(content) from None
    return asked, memoryview(body)[end:]


def _length(given: str, most: int) -> int:
    if not (given.isascii() and given.isdigit() and len(given) < 20 and int(given) <= most):
        msg = f"Inference-Header-Content-Length must be the bytes of JSON, from 0 to the body's {most}"
        raise refusal("json_length", (), msg)
    return int(given)
