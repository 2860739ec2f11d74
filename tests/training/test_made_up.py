from pathlib import Path

import pandas as pd
import pytest

from contract.phone import FEATURES, Phone
from training.labels import LABEL
from training.made_up import NOT_ABOVE, PUBLISHED_RANGES, Range, make_sample, make_up_phones

SHIPPED = Path(__file__).parents[2] / "data" / "sample.csv"


def test_made_up_phones_are_phones_within_the_ranges() -> None:
    phones = make_up_phones(500, PUBLISHED_RANGES, seed=0)
    assert list(phones.columns) == list(FEATURES)
    for name, (low, high) in PUBLISHED_RANGES.items():
        assert phones[name].between(low, high).all()
    for row in phones.to_dict("records"):
        Phone.model_validate(row)


def test_made_up_phones_stay_within_ranges_that_allow_little() -> None:
    narrow = PUBLISHED_RANGES | {"fc": Range(7, 9), "pc": Range(0, 3), "m_dep": Range(0.25, 0.25)}
    phones = make_up_phones(50, narrow, seed=0)
    assert phones["fc"].between(7, 9).all()
    assert (phones["m_dep"] == 0.25).all()


@pytest.mark.parametrize(("smaller", "larger"), NOT_ABOVE.items())
def test_the_regularities_of_the_real_data_hold_in_the_real_and_in_the_made_up(
    smaller: str, larger: str, real_table: Path
) -> None:
    for phones in (pd.read_csv(real_table), make_sample(500, seed=0)):
        assert (phones[smaller] <= phones[larger]).all()


def test_the_published_ranges_are_those_of_the_real_table(real_table: Path) -> None:
    real = pd.read_csv(real_table)
    for name, (low, high) in PUBLISHED_RANGES.items():
        assert (real[name].min(), real[name].max()) == (low, high)


def test_the_labels_are_quartiles_that_follow_the_memory() -> None:
    sample = make_sample(400, seed=0)
    assert sample[LABEL].value_counts().to_dict() == dict.fromkeys(range(4), 100)
    assert sample.groupby(LABEL)["ram"].mean().is_monotonic_increasing


def test_the_shipped_sample_is_the_one_that_its_readme_tells_how_to_make() -> None:
    assert make_sample(2000, seed=0).to_csv(index=False) == SHIPPED.read_text()


def test_the_shipped_sample_holds_no_row_of_the_real_data(real_table: Path) -> None:
    real = set(real_table.read_text().splitlines()[1:])
    assert not real & set(SHIPPED.read_text().splitlines()[1:])
