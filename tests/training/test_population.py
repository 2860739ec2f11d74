"""What a bundle tells of its phones together: what always holds, distances, and made-up phones like them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import mahalanobis
from sklearn.covariance import LedoitWolf

from contract.bundle import BACKGROUND_PHONES, Population, Regularity, read_current
from contract.phone import FEATURES, Phone
from tests.running_service import ARTIFACTS
from training.dataset import Part, read_dataset, split
from training.made_up import NOT_ABOVE
from training.population import describe_population, make_up_background, regularities
from training.recipe import Recipe


@pytest.fixture
def part(sample_table: Path) -> Part:
    return read_dataset(sample_table).phones


@pytest.fixture(scope="module")
def learnt(real_table: Path) -> Part:
    """The real phones that the committed model has learnt."""
    return split(read_dataset(real_table).phones, Recipe.load("best").split)[0]


def changed(part: Part, **columns: Any) -> Part:
    return replace(part, features=part.features.assign(**columns))


def test_the_regularities_that_hold_are_told(part: Part) -> None:
    assert regularities(part) == [
        Regularity(feature=smaller, not_above=larger) for smaller, larger in NOT_ABOVE.items()
    ]


def test_one_phone_is_enough_to_break_a_regularity(part: Part) -> None:
    fc = part.features["fc"].copy()
    fc.iloc[7] = part.features["pc"].iloc[7] + 1
    assert "fc" not in {each.feature for each in regularities(changed(part, fc=fc))}


def test_distances_are_mahalanobis_with_the_shrunk_covariance(part: Part) -> None:
    population = describe_population(part)
    standard = (part.features - part.features.mean()) / part.features.std(ddof=0)
    precision = np.linalg.inv(LedoitWolf().fit(standard).covariance_)
    expected = [mahalanobis(row, np.zeros(len(FEATURES)), precision) for row in standard.to_numpy()]
    assert population.distance(part.matrix) == pytest.approx(expected, rel=1e-3)
    assert np.median(expected) == pytest.approx(population.distances[500], rel=1e-3)
    assert max(expected) == pytest.approx(population.distances[-1], rel=1e-3)


def test_a_feature_that_is_always_the_same_is_no_obstacle(part: Part) -> None:
    population = describe_population(changed(part, wifi=1.0))
    assert np.isfinite(population.whitening).all()
    assert set(population.background[:, FEATURES.index("wifi")]) == {1}


def test_phones_that_are_all_alike_are_no_obstacle(part: Part) -> None:
    alike = changed(part, **{name: part.features[name].iloc[0] for name in FEATURES})
    population = describe_population(alike)
    assert not np.any(population.distance(alike.matrix) > population.farthest)
    assert Population.read(population.to_bytes()).background.shape == (BACKGROUND_PHONES, len(FEATURES))


def test_of_fewer_than_a_thousand_phones_none_is_unlike_the_others(part: Part) -> None:
    population = describe_population(part)
    assert not np.any(population.distance(part.matrix) > population.farthest)


def test_the_background_is_made_of_phones_with_the_regularities(part: Part) -> None:
    background = make_up_background(part)
    assert len(background) == BACKGROUND_PHONES
    for row in background.to_dict("records"):
        Phone.model_validate(row)
    for smaller, larger in NOT_ABOVE.items():
        assert (background[smaller] <= background[larger]).all()


def test_the_background_is_the_same_each_time(part: Part) -> None:
    pd.testing.assert_frame_equal(make_up_background(part), make_up_background(part))


def test_the_background_is_distributed_as_the_phones_learnt(learnt: Part) -> None:
    background, phones = make_up_background(learnt), learnt.features
    for name in FEATURES:
        assert background[name].mean() == pytest.approx(phones[name].mean(), abs=0.12 * phones[name].std())
        assert background[name].std() == pytest.approx(phones[name].std(), rel=0.15)
    for smaller, larger in NOT_ABOVE.items():
        real = phones[smaller].corr(phones[larger])
        assert background[smaller].corr(background[larger]) == pytest.approx(real, abs=0.25)


def test_no_phone_of_the_background_is_a_real_one(real_table: Path) -> None:
    real = {tuple(row) for row in read_dataset(real_table).phones.matrix.tolist()}
    background = read_current(ARTIFACTS).population.background
    assert len(background) == BACKGROUND_PHONES
    assert not real & {tuple(row) for row in background.tolist()}


def test_few_real_phones_are_told_to_be_unlike_those_learnt(learnt: Part, unlabelled_table: Path) -> None:
    population = read_current(ARTIFACTS).population
    assert np.mean(population.distance(learnt.matrix) > population.farthest) <= 0.002
    others = pd.read_csv(unlabelled_table)[list(FEATURES)].to_numpy(np.float32)
    assert np.mean(population.distance(others) > population.farthest) <= 0.005
