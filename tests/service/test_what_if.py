"""Curves are what /predict answers, and the changes offered are the smallest that do what they say."""

from itertools import combinations
from pathlib import Path

import httpx
import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from contract.bundle import FeatureRange
from contract.phone import EXAMPLE, FEATURES, SPECIFICATIONS, Phone, to_specifications
from service.predictor import Predictor, load_predictor
from service.replacements import grid, thin
from service.settings import Settings
from service.smallest_changes import Change
from service.what_if import ON_CURVE, WhatIf, look_around
from tests.running_service import ARTIFACTS
from training.made_up import NOT_ABOVE, PUBLISHED_RANGES, make_up_phones

INFLUENTIAL = ("ram", "battery_power", "px_height", "px_width", "mobile_wt")

Phones = NDArray[np.float64]
"""(N, 20)."""


@pytest.fixture(scope="module")
def best() -> Predictor:
    return load_predictor(Settings(artifacts=ARTIFACTS))


@pytest.fixture(scope="module")
def real_phones(unlabelled_table: Path) -> Phones:
    return np.asarray(pd.read_csv(unlabelled_table)[list(FEATURES)].to_numpy(np.float64))


def made_up(rows: int, seed: int) -> Phones:
    return np.asarray(make_up_phones(rows, PUBLISHED_RANGES, seed).to_numpy(np.float64))


def feature_of(predictor: Predictor, name: str) -> FeatureRange:
    return predictor.manifest.features[FEATURES.index(name)]


def price_ranges(predictor: Predictor, phones: Phones) -> NDArray[np.intp]:
    return predictor.predict_unwatched(phones).price_range


def offers(found: WhatIf) -> list[tuple[int, Change]]:
    """Every change that is offered, and the price range that it should reach."""
    both = [
        (way["price_range"], way[size])
        for way in found["changes"]
        for size in ("one_feature", "two_features")
    ]
    return [(price_range, change) for price_range, change in both if change]


def applied(phone: Phones, change: Change) -> Phones:
    changed = phone.copy()
    for each in change["changes"]:
        assert each["from"] == phone[FEATURES.index(each["feature"])]
        changed[FEATURES.index(each["feature"])] = each["to"]
    return changed


def keeps_regularities(phone: Phones) -> bool:
    return all(phone[FEATURES.index(low)] <= phone[FEATURES.index(high)] for low, high in NOT_ABOVE.items())


# curves


def test_a_curve_says_what_predict_says_at_each_of_its_values(service: httpx.Client) -> None:
    found = service.post("/what-if", json=EXAMPLE).raise_for_status().json()
    assert [curve["feature"] for curve in found["curves"]] == list(FEATURES)
    for curve in found["curves"]:
        phones = [EXAMPLE | {curve["feature"]: value} for value in curve["values"]]
        answers = service.post("/predict/batch", json={"phones": phones}).json()["predictions"]
        assert curve["expected_range"] == pytest.approx([a["expected_range"] for a in answers], abs=1e-4)
        np.testing.assert_allclose(curve["probabilities"], [a["probabilities"] for a in answers], atol=1e-4)


def test_a_curve_covers_the_trained_range_with_the_given_value_among_its_own(best: Predictor) -> None:
    for phone in made_up(5, seed=1):
        for name, curve in zip(FEATURES, look_around(best, phone[None])["curves"], strict=True):
            trained, values = feature_of(best, name), curve["values"]
            assert values == sorted(set(values))
            assert (values[0], values[-1]) == (trained.low, trained.high)
            assert curve["value"] == phone[FEATURES.index(name)]
            assert curve["value"] in values
            assert len(values) <= ON_CURVE + 1


def test_a_value_beyond_the_trained_range_is_on_its_curve(best: Predictor) -> None:
    phone = to_specifications([Phone(**EXAMPLE | {"ram": 8_192, "clock_speed": 0.05})])
    curves = {curve["feature"]: curve["values"] for curve in look_around(best, phone)["curves"]}
    assert curves["ram"][-1] == 8_192
    assert curves["clock_speed"][:2] == [0.05, 0.5]


def test_a_grid_has_all_whole_numbers_or_tenths_of_the_trained_range(best: Predictor) -> None:
    assert grid(feature_of(best, "n_cores")).tolist() == [1, 2, 3, 4, 5, 6, 7, 8]
    assert grid(feature_of(best, "m_dep")).tolist() == [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]
    assert not np.signbit(grid(feature_of(best, "px_height"))).any(), "there is no -0 in JSON for people"
    ram = feature_of(best, "ram")
    assert grid(ram).tolist() == [*range(int(ram.low), int(ram.high) + 1)]
    assert thin(grid(ram), 33)[[0, -1]].tolist() == [ram.low, ram.high]


# changes


def test_every_change_offered_does_what_it_says_on_all_unlabelled_phones(
    best: Predictor, real_phones: Phones
) -> None:
    promised, changed = [], []
    for phone in real_phones:
        for price_range, change in offers(look_around(best, phone[None])):
            after = applied(phone, change)
            assert keeps_regularities(after)
            for each in change["changes"]:
                trained = feature_of(best, each["feature"])
                assert trained.low <= each["to"] <= trained.high
            promised.append(price_range)
            changed.append(after)
            assert change["prediction"]["price_range"] == price_range
    assert len(promised) > 2 * len(real_phones)
    assert price_ranges(best, np.array(changed)).tolist() == promised
    Phone.model_validate(dict(zip(FEATURES, changed[0].tolist(), strict=True)))


def spans(predictor: Predictor) -> dict[str, float]:
    return {feature.name: feature.high - feature.low for feature in predictor.manifest.features}


def test_no_smaller_change_of_one_feature_does_it(best: Predictor, real_phones: Phones) -> None:
    """By trying every value of every feature, one feature after the other."""
    for phone in real_phones[:50]:
        smallest: dict[int, float] = {}
        for column, name in enumerate(FEATURES):
            trained = feature_of(best, name)
            step = SPECIFICATIONS[name].step
            values = np.round(np.arange(trained.low, trained.high + step / 2, step), 1)
            phones = np.tile(phone, (len(values), 1))
            phones[:, column] = values
            for after, reached in zip(phones, price_ranges(best, phones).tolist(), strict=True):
                size = abs(after[column] - phone[column]) / spans(best)[name]
                if size and size < smallest.get(reached, np.inf) and keeps_regularities(after):
                    smallest[reached] = size
        found = look_around(best, phone[None])
        for way in found["changes"]:
            change = way["one_feature"]
            assert (change["size"] if change else None) == pytest.approx(smallest.get(way["price_range"]))


def test_no_change_of_two_features_that_is_two_per_cent_smaller_does_it(
    best: Predictor, real_phones: Phones
) -> None:
    """By trying every pair of values of the features that matter most, of ways up to a tenth of the range."""
    compared = 0
    for phone in real_phones[:50]:
        for way in look_around(best, phone[None])["changes"]:
            change = way["two_features"]
            if change and change["size"] <= 0.1:
                compared += 1
                for first, second in combinations(INFLUENTIAL, 2):
                    reached = price_ranges_within(best, phone, (first, second), 0.98 * change["size"])
                    assert way["price_range"] not in reached
    assert compared > 20


def price_ranges_within(predictor: Predictor, phone: Phones, names: tuple[str, str], size: float) -> set[int]:
    """The price ranges of all that is reached by changes of two features below this size."""
    columns, each = [FEATURES.index(name) for name in names], [spans(predictor)[name] for name in names]
    grids = [grid(feature_of(predictor, name)) for name in names]
    near = [
        values[np.abs(values - phone[column]) < size * span]
        for values, column, span in zip(grids, columns, each, strict=True)
    ]
    values = np.stack(np.meshgrid(*near), axis=-1).reshape(-1, 2)
    values = values[np.hypot(*((values - phone[columns]) / each).T) < size]
    phones = np.tile(phone, (len(values), 1))
    phones[:, columns] = values
    for low, high in NOT_ABOVE.items():
        if {low, high} & {*names}:
            phones = phones[phones[:, FEATURES.index(low)] <= phones[:, FEATURES.index(high)]]
    return set(price_ranges(predictor, phones).tolist()) if len(phones) else set()


def test_a_phone_that_breaks_a_regularity_itself_is_offered_changes_of_other_features(
    best: Predictor,
) -> None:
    phone = to_specifications([Phone(**EXAMPLE | {"four_g": 1, "three_g": 0})])
    found = look_around(best, phone)
    assert [change["changes"][0]["feature"] for _, change in offers(found)]
    for _, change in offers(found):
        names = {each["feature"] for each in change["changes"]}
        after = dict(zip(FEATURES, applied(phone[0], change), strict=True))
        assert not names & {"four_g", "three_g"} or after["four_g"] <= after["three_g"]


def test_it_offers_a_way_to_each_other_range_and_none_to_its_own(service: httpx.Client) -> None:
    found = service.post("/what-if", json=EXAMPLE).json()
    own = found["prediction"]["price_range"]
    assert [way["price_range"] for way in found["changes"]] == [each for each in range(4) if each != own]


def test_a_change_that_no_feature_can_make_is_told_as_none(best: Predictor) -> None:
    """From a heavy phone with the least of all else, no single change leads to the highest range."""
    least = dict(zip(FEATURES, [feature.low for feature in best.manifest.features], strict=True))
    phone = to_specifications([Phone(**least | {"mobile_wt": 200})])
    ways = look_around(best, phone)["changes"]
    assert ways[-1]["price_range"] == 3
    assert ways[-1]["one_feature"] is None
    assert ways[-1]["two_features"]


def test_a_model_of_other_phones_has_its_own_regularities(best: Predictor) -> None:
    """Where its data did not have them, changes need not keep them."""
    from dataclasses import replace

    manifest = best.manifest.model_copy(update={"regularities": []})
    free = Predictor(replace(best.bundle, manifest=manifest), best.engine)
    broken = 0
    for phone in made_up(40, seed=2):
        broken += sum(
            not keeps_regularities(applied(phone, c)) for _, c in offers(look_around(free, phone[None]))
        )
    assert broken
