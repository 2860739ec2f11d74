from typing import Any

import pytest
from pydantic import ValidationError

from contract.phone import EXAMPLE, FEATURES, Phone
from contract.violation import (
    Violation,
    Violations,
    expectation,
    from_detail,
    from_details,
    from_pydantic,
)


def violations(**fields: object) -> list[Violation]:
    with pytest.raises(ValidationError) as caught:
        Phone.model_validate({**EXAMPLE, **fields})
    return list(from_pydantic(caught.value, within=("body",)))


def test_a_violation_names_the_field_and_what_it_must_be() -> None:
    (violation,) = violations(n_cores=2.5)
    assert violation.loc == ("body", "n_cores")
    assert "n_cores must be a whole number from 1 to 64 (cores)" in violation.msg


def test_a_flag_must_be_zero_or_one_or_false_or_true() -> None:
    (violation,) = violations(wifi=2)
    assert "wifi must be 0 or 1, or false or true: Has Wi-Fi" in violation.msg


def test_a_misspelt_field_is_met_with_the_right_name() -> None:
    assert "Did you mean battery_power?" in violations(batery_power=1000)[0].msg


@pytest.mark.parametrize("name", FEATURES)
def test_a_hint_never_proposes_the_name_that_was_sent(name: str) -> None:
    (violation,) = from_details([{"type": "extra_forbidden", "loc": (name,), "msg": "Extra inputs"}])
    assert "Did you mean" not in violation.msg


@pytest.mark.parametrize("canary", ["S3cr3t-canary", 987654321.5, ["S3cr3t-canary"], {"S3cr3t-canary": 1}])
def test_the_input_is_not_repeated(canary: object) -> None:
    told = repr(violations(ram=canary))
    assert "canary" not in told
    assert "987654321" not in told


@pytest.mark.parametrize("name", FEATURES)
def test_every_field_has_an_expectation_that_its_example_meets(name: str) -> None:
    assert expectation(name).startswith(f"{name} must be ")


def test_broken_rules_are_put_into_words_when_they_are_told() -> None:
    with pytest.raises(ValidationError) as caught:
        Phone.model_validate({})
    worded: list[Violation] = []

    def word(item: Any) -> Violation:
        worded.append(from_detail(item))
        return worded[-1]

    found = Violations(caught.value, word)
    assert (len(found), worded) == (20, [])
    assert len(found[:3]) == len(worded) == 3
    assert list(found) == list(from_pydantic(caught.value))
