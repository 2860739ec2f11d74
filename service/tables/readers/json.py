"""{"phones": [...]}: held whole, its outside read first and its phones a piece at a time."""

from collections.abc import Iterator
from typing import Annotated

import msgspec
from pydantic import BaseModel, ConfigDict, FailFast, Field, ValidationError

from contract.errors import InvalidTableError
from contract.phone import EXAMPLE, FEATURES
from contract.table import refusal
from contract.violation import Location, from_pydantic
from service.json_limits import check_size
from service.json_text import json_text
from service.tables.readers.judge import PostedPhone, judged_phone
from service.tables.rows import Broken, Rows
from service.valid_phone import NotPlainlyValid, ValidPhone, pack, to_rows, values

PIECE_PHONES = 1000
"""Three milliseconds of decoding."""

CAREFUL_PHONES = 100
"""Phones at a time where each needs a second look."""


class PhoneBatch(BaseModel):
    """Many phones."""

    model_config = ConfigDict(extra="forbid")

    # the first bad phone is told and the rest not looked at: pydantic makes an error of each of a million
    phones: Annotated[list[PostedPhone], FailFast()] = Field(min_length=1, examples=[[EXAMPLE]])


class _Outside(msgspec.Struct, forbid_unknown_fields=True):
    phones: Annotated[list[msgspec.Raw], msgspec.Meta(min_length=1)]


_NO_BATCH: frozenset[Location] = frozenset({(), *((name,) for name in FEATURES)})
"""Where errors stand if the body is a phone, a list or a lone value."""

_decode_outside = msgspec.json.Decoder(_Outside).decode
_decode_phones = msgspec.json.Decoder(list[ValidPhone]).decode
_decode_phone = msgspec.json.Decoder(ValidPhone).decode


class JsonReader:
    """Gives no rows before the body has ended."""

    def __init__(self, max_phones: int) -> None:
        self._body = bytearray()
        self._max_phones = max_phones

    def feed(self, content: bytes) -> Iterator[Rows]:
        self._body += content
        return iter(())

    def finish(self) -> Iterator[Rows]:
        check_size(self._body, self._max_phones)
        phones = _phones(json_text(bytes(self._body)))
        if len(phones) > self._max_phones:
            msg = f"Too many phones: send at most {self._max_phones} in one call, or a table as CSV or Arrow"
            raise refusal("too_many_rows", ("phones",), msg)
        for start in range(0, len(phones), PIECE_PHONES):
            yield from _rows(phones[start : start + PIECE_PHONES], start)


def _phones(body: bytes) -> list[msgspec.Raw]:
    try:
        return _decode_outside(body).phones
    except NotPlainlyValid:
        pass
    try:
        phones = PhoneBatch.model_validate_json(body).phones
    except ValidationError as error:
        items = error.errors(include_url=False, include_context=False, include_input=False)
        if any(item["type"] != "json_invalid" and item["loc"] in _NO_BATCH for item in items):
            msg = 'The body is not an object with a list of phones. Send {"phones": [...]}'
            raise refusal("model_type", (), msg) from None
        raise InvalidTableError(from_pydantic(error)) from None
    return [msgspec.Raw(phone.model_dump_json().encode()) for phone in phones]


def _rows(phones: list[msgspec.Raw], first: int) -> Iterator[Rows]:
    try:
        decoded = _decode_phones(b"[" + b",".join(phones) + b"]")
    except NotPlainlyValid:
        for start in range(0, len(phones), CAREFUL_PHONES):
            yield _looked_at(phones[start : start + CAREFUL_PHONES], first + start)
        return
    yield Rows(to_rows([pack(*values(phone)) for phone in decoded]))


def _looked_at(phones: list[msgspec.Raw], first: int) -> Rows:
    """Return the phones after a look at each, with what is wrong with which."""
    broken: Broken = {}
    packed = []
    for index, phone in enumerate(phones):
        try:
            packed.append(pack(*values(_decode_phone(phone))))
        except NotPlainlyValid:
            try:
                judged = judged_phone(bytes(phone), ("phones", first + index))
                packed.append(pack(*dict(judged).values()))
            except InvalidTableError as error:
                broken[index] = error.violations
    return Rows(to_rows(packed), broken)
