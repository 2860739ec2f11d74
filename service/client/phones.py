"""Phones as they are given: a `Phone`, or a mapping of its 20 specifications."""

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from pydantic import ValidationError

from contract.phone import Phone
from contract.table import REPORTED_VIOLATIONS
from contract.violation import Location, from_pydantic
from service.client.errors import InvalidPhoneError
from service.client.tables import is_table

AnyPhone: TypeAlias = Phone | Mapping[str, float]
"""A mapping has the 20 specifications by name and nothing else, by the rules of `Phone`."""

LONGEST_NAME = 64


def phone_of(given: object, place: Location = ("phone",)) -> Phone:
    """Return the phone; `place` says which it is.

    Raises `InvalidPhoneError` for a mapping that is no phone, `TypeError` for what is neither.
    """
    if isinstance(given, Phone):
        return given
    if not isinstance(given, Mapping):
        what = "a Phone or a dictionary of its 20 specifications"
        raise TypeError(f"{_written(place)} must be {what}, not {type(given).__name__}")
    try:
        return Phone.model_validate(dict(given))
    except ValidationError as error:
        found = tuple(from_pydantic(error, place)[:REPORTED_VIOLATIONS])
        told = "; ".join(f"{_written(each.loc)}: {each.msg}" for each in found)
        raise InvalidPhoneError(told, found) from None


def phones_of(given: object) -> list[Phone]:
    """Return the phones. Raises as `phone_of`, and `TypeError` for one phone or a table."""
    if isinstance(given, Phone | Mapping):
        raise TypeError("phones must be a list of phones, not one: call predict, or put it into a list")
    if is_table(given):
        raise TypeError(f"phones must be a list of phones, not a {type(given).__name__}: call predict_table")
    if not isinstance(given, Iterable):
        raise TypeError(f"phones must be a list of phones, not {type(given).__name__}")
    return [phone_of(each, ("phones", number)) for number, each in enumerate(given)]


def _written(place: Location) -> str:
    """Write a place as Python does: phones[3]['ram']."""
    first, *others = place
    return f"{first}" + "".join(
        f"[{(part[:LONGEST_NAME] if isinstance(part, str) else part)!r}]" for part in others
    )
