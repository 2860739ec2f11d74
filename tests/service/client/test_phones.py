"""What a phone may be given as, and what is told of anything else before it is sent."""

import pickle
from collections.abc import Callable
from types import MappingProxyType
from typing import Any

import httpx
import pandas as pd
import pyarrow as pa
import pytest

from contract.phone import EXAMPLE
from service.client import InvalidPhoneError, PhonePriceError
from tests.service.client.asking import PHONE, PHONES, TABLE, Ask

NOWHERE = "http://127.0.0.1:1"
"""Where nobody answers: what is refused before it is sent does not notice."""

ONE_PHONE = ["predict", "explain", "what_if"]


def asking(method: str, *given: object) -> Callable[[Any], Any]:
    return lambda client: getattr(client, method)(*given)


@pytest.mark.parametrize("method", ONE_PHONE)
def test_a_dictionary_is_answered_as_the_phone_that_it_is(
    ask: Ask, service: httpx.Client, method: str
) -> None:
    for same in (EXAMPLE, MappingProxyType(EXAMPLE)):
        assert ask(service.base_url, asking(method, same)) == ask(service.base_url, asking(method, PHONE))


def test_many_dictionaries_are_answered_as_the_phones_that_they_are(ask: Ask, service: httpx.Client) -> None:
    mixed = [*TABLE.to_dict("records")[:30], *PHONES[30:]]
    assert ask(service.base_url, asking("predict_many", mixed)) == ask(
        service.base_url, asking("predict_many", PHONES)
    )


WITHOUT_RAM = {name: value for name, value in EXAMPLE.items() if name != "ram"}

WRONG: dict[str, tuple[dict[Any, Any], str]] = {
    "missing": (WITHOUT_RAM, r"['ram']: Field required. ram must be a whole number from 1 to 65536 (MB)"),
    "misspelt": ({**EXAMPLE, "rma": 5}, "['rma']: No such field; remove it. Did you mean ram?"),
    "too small": ({**EXAMPLE, "ram": -1}, "['ram']: Input should be greater than or equal to 1. ram must"),
    "text": ({**EXAMPLE, "ram": "secret"}, "['ram']: Input should be a valid number. ram must be"),
    "true": ({**EXAMPLE, "ram": True}, "['ram']: Input should be a valid number. ram must be a whole number"),
    "no name": ({**EXAMPLE, 7: 1}, "[7]: Keys should be strings"),
    "two lines": ({**EXAMPLE, "a\nb": 1}, r"['a\nb']: No such field"),
    "nothing": ({}, "['battery_power']: Field required"),
}


@pytest.mark.parametrize("method", ONE_PHONE)
@pytest.mark.parametrize(("wrong", "told"), WRONG.values(), ids=WRONG)
def test_a_wrong_dictionary_is_refused_by_its_field_before_anything_is_sent(
    ask: Ask, method: str, wrong: dict[str, Any], told: str
) -> None:
    with pytest.raises(InvalidPhoneError) as raised:
        ask(NOWHERE, asking(method, wrong))
    assert f"phone{told}" in str(raised.value)
    assert "\n" not in str(raised.value)
    assert "secret" not in str(raised.value)


def test_the_wrong_one_of_many_is_told_by_its_number(ask: Ask) -> None:
    with pytest.raises(InvalidPhoneError, match=r"^phones\[2\]\['ram'\]: Field required") as raised:
        ask(NOWHERE, asking("predict_many", [PHONE, EXAMPLE, WITHOUT_RAM]))
    (violation,) = raised.value.violations
    assert violation.loc == ("phones", 2, "ram")
    again = pickle.loads(pickle.dumps(raised.value))  # noqa: S301 - its own
    assert (str(again), again.violations) == (str(raised.value), raised.value.violations)
    assert isinstance(again, ValueError)
    assert isinstance(again, PhonePriceError)


def test_a_dictionary_of_thousands_is_refused_in_a_few_words(ask: Ask) -> None:
    with pytest.raises(InvalidPhoneError) as raised:
        ask(NOWHERE, asking("predict", {"x" * 1_000 + str(number): 1 for number in range(5_000)}))
    assert len(str(raised.value)) < 5_000


@pytest.mark.parametrize("method", ONE_PHONE)
@pytest.mark.parametrize("other", [None, "phone", [PHONE], list(EXAMPLE.values()), TABLE, TABLE.iloc[0]])
def test_what_is_no_phone_is_a_type_error(ask: Ask, method: str, other: object) -> None:
    told = f"phone must be a Phone or a dictionary of its 20 specifications, not {type(other).__name__}"
    with pytest.raises(TypeError, match=told):
        ask(NOWHERE, asking(method, other))


@pytest.mark.parametrize(
    ("other", "told"),
    [
        (PHONE, "not one: call predict"),
        (EXAMPLE, "not one: call predict"),
        (TABLE, "not a DataFrame: call predict_table"),
        (pa.Table.from_pandas(TABLE), "not a Table: call predict_table"),
        (7, "must be a list of phones, not int"),
        ("phones", r"phones\[0\] must be a Phone or a dictionary of its 20 specifications, not str"),
        (TABLE.to_numpy(), r"phones\[0\] must be a Phone .* not ndarray"),
        ([PHONE, None], r"phones\[1\] must be a Phone .* not NoneType"),
    ],
    ids=["a phone", "a dictionary", "a data frame", "a table", "a number", "text", "an array", "None"],
)
def test_what_is_no_list_of_phones_is_a_type_error_that_says_what_to_call(
    ask: Ask, other: object, told: str
) -> None:
    with pytest.raises(TypeError, match=told):
        ask(NOWHERE, asking("predict_many", other))


@pytest.mark.parametrize("kind", ["bool", "boolean", "object", "arrow"])
def test_flags_may_be_booleans_in_a_table(ask: Ask, service: httpx.Client, kind: str) -> None:
    flags = ["blue", "dual_sim", "four_g", "three_g", "touch_screen", "wifi"]
    frame = TABLE.astype(dict.fromkeys(flags, "bool" if kind == "arrow" else kind))
    if kind == "object":
        frame = frame.assign(**{name: TABLE[name].astype(bool).astype(object) for name in flags})
    table = pa.Table.from_pandas(frame) if kind == "arrow" else frame
    answer, expected = (ask(service.base_url, asking("predict_table", each)) for each in (table, TABLE))
    answer = answer.to_pandas() if kind == "arrow" else answer
    pd.testing.assert_frame_equal(answer, expected, check_index_type=False)


def test_a_flag_that_is_missing_is_no_zero(ask: Ask, service: httpx.Client) -> None:
    frame = TABLE.astype({"wifi": "boolean"})
    frame.loc[frame.index[3], "wifi"] = pd.NA
    with pytest.raises(PhonePriceError, match=r"Row 3 .*column wifi: The value is missing"):
        ask(service.base_url, asking("predict_table", frame))


@pytest.mark.parametrize("name", ["ram", "clock_speed"])
def test_what_is_no_flag_may_not_be_boolean(ask: Ask, service: httpx.Client, name: str) -> None:
    with pytest.raises(PhonePriceError, match=f"Column {name} holds bool"):
        ask(service.base_url, asking("predict_table", TABLE.assign(**{name: True})))
