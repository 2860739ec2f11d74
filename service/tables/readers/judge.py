"""The last word on a phone in JSON, and the words for what is wrong with it."""

from typing import Annotated

import msgspec
from pydantic import BeforeValidator, ConfigDict, TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError

from contract.errors import InvalidTableError
from contract.phone import FEATURES, Phone
from contract.table import refusal
from contract.violation import Finding, Location, MissingFields, from_pydantic
from service.json_limits import MAX_PHONE_BYTES
from service.valid_phone import ValidPart, missing_fields

MOST_FIELDS = 2 * len(FEATURES)
"""An object of more fields is no phone with a misspelt field."""


def _of_a_phones_size(value: object) -> object:
    """Refuse an object of many fields as a whole: pydantic would make an error of each, a million of them."""
    if isinstance(value, dict) and len(value) > MOST_FIELDS:
        raise PydanticCustomError("too_many_fields", "A phone has 20 fields; this object has far more")
    return value


PostedPhone = Annotated[Phone, BeforeValidator(_of_a_phones_size)]
"""A phone as a stranger sends it."""


class Row(Phone):
    """A phone in a table that may have other columns, which are no business of its rules."""

    model_config = ConfigDict(extra="ignore")


_decode_part = msgspec.json.Decoder(ValidPart).decode


def check_bytes(content: bytes | msgspec.Raw, within: Location, where: str = "") -> None:
    """Raise `InvalidTableError` for JSON in which there is far more than a phone."""
    if len(memoryview(content)) > MAX_PHONE_BYTES:
        limit = MAX_PHONE_BYTES // 1024
        raise refusal("phone_too_large", within, f"{where}This phone breaks a rule and is over {limit} KiB")


_POSTED: TypeAdapter[Phone] = TypeAdapter(PostedPhone)


def judged_phone(content: bytes, within: Location) -> Phone:
    """Return the phone that is all of this JSON. Raises `InvalidTableError`."""
    check_bytes(content, within)
    try:
        return _POSTED.validate_json(content)
    except ValidationError as error:
        raise InvalidTableError(from_pydantic(error, within)) from None


def judged_row(content: bytes, line: int) -> Phone:
    """Return the phone that this line of JSON holds, among others. Raises `InvalidTableError`."""
    check_bytes(content, ("line", line), f"Line {line}: ")
    finding: Finding
    if missing := missing_fields(lambda: _decode_part(content)):
        finding = MissingFields(missing)
    else:
        try:
            return Row.model_validate_json(content)
        except ValidationError as error:
            finding = error
    raise InvalidTableError(from_pydantic(finding, ("line", line), f"Line {line}: "))
