import csv
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from contract.phone import EXAMPLE, FEATURES, SPECIFICATIONS, Phone, PriceRange, to_matrix

FLAGS = ("blue", "dual_sim", "four_g", "three_g", "touch_screen", "wifi")
WITH_DECIMALS = ("clock_speed", "m_dep")


def changed(**fields: object) -> dict[str, object]:
    return {**EXAMPLE, **fields}


def test_the_features_are_the_twenty_columns_of_the_published_table_in_its_order(real_table: Path) -> None:
    with real_table.open() as file:
        header = next(csv.reader(file))
    assert [*FEATURES, "price_range"] == header


def test_every_row_of_the_real_data_is_a_valid_phone(real_table: Path, unlabelled_table: Path) -> None:
    for table, rows in ((real_table, 2000), (unlabelled_table, 1000)):
        with table.open() as file:
            phones = [Phone(**{name: float(row[name]) for name in FEATURES}) for row in csv.DictReader(file)]
        assert len(phones) == rows


@pytest.mark.parametrize(
    "flagship",
    [
        changed(ram=24_576, battery_power=7_300, int_memory=2_048, px_height=3_168, px_width=1_440, pc=200),
        changed(ram=65_536, n_cores=10, clock_speed=4.7, fc=50, mobile_wt=258, talk_time=40),
    ],
)
def test_a_flagship_of_today_is_plausible(flagship: dict[str, float]) -> None:
    assert Phone(**flagship).ram == flagship["ram"]


@pytest.mark.parametrize("name", [name for name in FEATURES if name not in WITH_DECIMALS])
def test_a_whole_number_may_be_written_with_a_point_but_has_no_decimals(name: str) -> None:
    whole = float(EXAMPLE[name])
    assert getattr(Phone.model_validate(changed(**{name: whole})), name) == EXAMPLE[name]
    with pytest.raises(ValidationError, match=name):
        Phone.model_validate(changed(**{name: whole + 0.5}))


@pytest.mark.parametrize("name", WITH_DECIMALS)
def test_clock_speed_and_thickness_have_decimals(name: str) -> None:
    assert getattr(Phone.model_validate(changed(**{name: 0.75})), name) == 0.75


@pytest.mark.parametrize("name", FLAGS)
@pytest.mark.parametrize("kind", [bool, np.bool_])
def test_true_and_false_are_one_and_zero_of_a_flag(name: str, kind: type) -> None:
    assert getattr(Phone.model_validate(changed(**{name: kind(1)})), name) == 1
    assert getattr(Phone.model_validate(changed(**{name: kind(0)})), name) == 0


@pytest.mark.parametrize("name", [name for name in FEATURES if name not in FLAGS])
@pytest.mark.parametrize("kind", [bool, np.bool_])
def test_true_is_refused_for_what_is_no_flag(name: str, kind: type) -> None:
    with pytest.raises(ValidationError, match=name):
        Phone.model_validate(changed(**{name: kind(1)}))


@pytest.mark.parametrize("name", FLAGS)
def test_a_flag_of_two_is_refused(name: str) -> None:
    with pytest.raises(ValidationError, match=name):
        Phone.model_validate(changed(**{name: 2}))


@pytest.mark.parametrize("name", FEATURES)
@pytest.mark.parametrize("value", ["1", None, [1], math.nan, math.inf, -math.inf, -1, 1e39, 10**4000])
def test_what_is_not_a_plausible_number_is_refused(name: str, value: object) -> None:
    with pytest.raises(ValidationError, match=name):
        Phone.model_validate(changed(**{name: value}))


@pytest.mark.parametrize("name", FEATURES)
def test_plausible_bounds_are_inside_and_what_lies_beyond_is_refused(name: str) -> None:
    spec = SPECIFICATIONS[name]
    for bound, beyond in ((spec.low, spec.low - 1), (spec.high, spec.high + 1)):
        assert getattr(Phone.model_validate(changed(**{name: bound})), name) == bound
        with pytest.raises(ValidationError, match=name):
            Phone.model_validate(changed(**{name: beyond}))


@pytest.mark.parametrize("name", FEATURES)
def test_no_field_may_be_missing(name: str) -> None:
    with pytest.raises(ValidationError, match=name):
        Phone.model_validate({other: value for other, value in EXAMPLE.items() if other != name})


def test_no_other_field_may_be_there() -> None:
    with pytest.raises(ValidationError, match="colour"):
        Phone.model_validate(changed(colour=3))


def test_every_field_tells_its_unit_and_description() -> None:
    for spec in SPECIFICATIONS.values():
        assert spec.unit
        assert spec.description


def test_the_matrix_has_the_columns_in_the_order_of_the_features() -> None:
    backwards = Phone(**dict(reversed(EXAMPLE.items())))
    matrix = to_matrix([backwards, Phone.model_validate(changed(ram=4_096))])
    assert matrix.dtype == np.float32
    assert matrix[0].tolist() == pytest.approx([EXAMPLE[name] for name in FEATURES])
    assert matrix[1, FEATURES.index("ram")] == 4_096


@given(ram=st.integers(1, 65_536))
def test_a_plausible_whole_number_reaches_the_matrix_exactly(ram: int) -> None:
    assert to_matrix([Phone.model_validate(changed(ram=ram))])[0, FEATURES.index("ram")] == ram


def test_the_price_ranges_have_their_labels() -> None:
    assert [(item.value, item.label) for item in PriceRange] == [
        (0, "low"),
        (1, "medium"),
        (2, "high"),
        (3, "very high"),
    ]


@pytest.mark.parametrize("name", FEATURES)
def test_a_step_is_a_whole_one_or_a_tenth(name: str) -> None:
    spec = SPECIFICATIONS[name]
    assert spec.step == (1 if spec.whole else 0.1)
