"""Contributions are Shapley values: they sum to the difference, and shap, which nobody here wrote, agrees."""

import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

import httpx
import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from contract.phone import EXAMPLE, FEATURES, Phone, to_specifications
from service.explanation import explain
from service.prediction import expected_range
from service.predictor import Predictor, load_predictor
from service.settings import Settings
from service.what_if import look_around
from tests.running_service import ARTIFACTS
from training.made_up import PUBLISHED_RANGES, make_up_phones

with warnings.catch_warnings(action="ignore", category=PendingDeprecationWarning):
    import shap  # its plots call matplotlib by names that will go

Phones: TypeAlias = NDArray[np.float64]
"""(N, 20)."""

INFLUENTIAL = ("ram", "battery_power", "px_height", "px_width", "mobile_wt", "int_memory", "n_cores", "wifi")


@pytest.fixture(scope="module")
def best() -> Predictor:
    return load_predictor(Settings(artifacts=ARTIFACTS))


@pytest.fixture(scope="module")
def tiny(tiny_artifacts: Path) -> Predictor:
    return load_predictor(Settings(artifacts=tiny_artifacts))


@pytest.fixture(params=["best", "tiny"])
def predictor(request: pytest.FixtureRequest) -> Predictor:
    """The committed model, and a small one."""
    found: Predictor = request.getfixturevalue(request.param)
    return found


@pytest.fixture(scope="module")
def real_phones(unlabelled_table: Path) -> Phones:
    return np.asarray(pd.read_csv(unlabelled_table)[list(FEATURES)].to_numpy(np.float64))


def made_up(rows: int, seed: int) -> Phones:
    return np.asarray(make_up_phones(rows, PUBLISHED_RANGES, seed).to_numpy(np.float64))


def by_feature(predictor: Predictor, phone: Phones, what: str = "contribution") -> list[float]:
    """Explain a phone; return the contributions in the order of the features."""
    items: list[Any] = explain(predictor, phone)["contributions"]
    found = {item["feature"]: item[what] for item in items}
    return [found[name] for name in FEATURES]


def with_background(predictor: Predictor, background: Phones) -> Predictor:
    population = replace(predictor.bundle.population, background=background.astype(np.float32))
    return Predictor(replace(predictor.bundle, population=population), predictor.engine)


def game(predictor: Predictor) -> Callable[[Phones], NDArray[np.float64]]:
    def expected(phones: Phones) -> NDArray[np.float64]:
        return expected_range(predictor.engine.predict(np.ascontiguousarray(phones, np.float32)))

    return expected


def masker(predictor: Predictor) -> Any:
    background = predictor.bundle.population.background
    return shap.maskers.Independent(background, max_samples=len(background))


def test_baseline_and_contributions_sum_to_the_expected_range(predictor: Predictor) -> None:
    for phone in made_up(20, seed=1):
        found = explain(predictor, phone[None])
        total = found["baseline"] + sum(item["contribution"] for item in found["contributions"])
        assert total == pytest.approx(found["prediction"]["expected_range"], rel=0, abs=1e-6)


def test_the_baseline_is_the_mean_of_the_background(best: Predictor) -> None:
    answers = best.predict(best.bundle.population.background).answers()
    mean = np.mean([answer["expected_range"] for answer in answers])
    assert explain(best, made_up(1, seed=2))["baseline"] == pytest.approx(mean, abs=1e-6)


def test_where_eight_features_vary_it_is_what_shap_finds_exactly(predictor: Predictor) -> None:
    """So few that all 256 coalitions can be tried; the other features are those of the phone everywhere."""
    for phone in made_up(5, seed=3):
        background = np.tile(phone, (64, 1))
        columns = [FEATURES.index(name) for name in INFLUENTIAL]
        background[:, columns] = made_up(64, seed=4)[:, columns]
        reduced = with_background(predictor, background)
        exact = shap.explainers.Exact(game(reduced), masker(reduced))(phone[None]).values[0]
        found, error = by_feature(reduced, phone[None]), by_feature(reduced, phone[None], "standard_error")
        assert found == pytest.approx(exact, abs=max(4 * max(error), 1e-6))
        assert np.abs(found - exact).mean() < 0.005
        others = [FEATURES.index(name) for name in FEATURES if name not in INFLUENTIAL]
        assert not np.any(np.array(found)[others]), "what is the same everywhere contributes nothing"


def test_where_effects_only_add_up_it_is_exact(best: Predictor) -> None:
    """Of a game without interactions, and of one with interactions of two, each sampled order tells all."""

    class Adding:
        name = "adding"

        def predict(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
            ram, battery, width = (features[:, FEATURES.index(name)] for name in INFLUENTIAL[:3])
            high = 0.1 + ram / 2**14 + battery / 2**14 + ram * width / 2**28
            return np.stack([1 - high, 0 * high, 0 * high, high], axis=1).astype(np.float32)

    adding = Predictor(best.bundle, Adding())
    phone = made_up(1, seed=5)
    mean = best.bundle.population.background.astype(np.float64).mean(axis=0)
    found = dict(zip(FEATURES, by_feature(adding, phone), strict=True))
    battery = FEATURES.index("battery_power")
    assert found["battery_power"] == pytest.approx(3 * (phone[0, battery] - mean[battery]) / 2**14, abs=1e-5)
    assert by_feature(adding, phone, "standard_error") == pytest.approx([0] * len(FEATURES), abs=1e-6)
    assert found["wifi"] == pytest.approx(0, abs=1e-6)


def test_of_real_phones_it_is_what_shap_samples(best: Predictor, real_phones: Phones) -> None:
    explainer = shap.explainers.Permutation(game(best), masker(best), seed=1)
    evaluations = 60 * (2 * len(FEATURES) + 1)
    phones = real_phones[:200]
    sampled = [explainer(phone[None], max_evals=evaluations, silent=True).values[0] for phone in phones]
    found = [by_feature(best, phone[None]) for phone in phones]
    assert np.corrcoef(np.ravel(found), np.ravel(sampled))[0, 1] >= 0.999
    assert np.abs(np.array(found) - sampled).mean() <= 0.005


def test_standard_errors_tell_how_far_samples_stray(best: Predictor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of many explanations by other orders; within a quarter, as errors of errors go."""
    from service import explanation

    phone, found, told = made_up(1, seed=6), [], []
    for seed in range(40):
        monkeypatch.setattr(explanation, "SEED", seed)
        explanation._orders.cache_clear()
        found.append(by_feature(best, phone))
        told.append(by_feature(best, phone, "standard_error"))
    explanation._orders.cache_clear()
    ram = FEATURES.index("ram")
    spread = np.std(found, axis=0, ddof=1)
    assert np.mean(told, axis=0)[ram] == pytest.approx(spread[ram], rel=0.3)
    assert np.mean(told, axis=0).sum() == pytest.approx(spread.sum(), rel=0.25)


def test_the_same_phone_is_explained_the_same_way(best: Predictor) -> None:
    phone = made_up(1, seed=7)
    assert explain(best, phone) == explain(best, phone)


def test_the_largest_contribution_comes_first(best: Predictor) -> None:
    sizes = [abs(item["contribution"]) for item in explain(best, made_up(1, seed=8))["contributions"]]
    assert sizes == sorted(sizes, reverse=True)


def test_what_is_explained_is_not_counted_as_a_prediction(best: Predictor) -> None:
    """It was, when /predict answered; and no phone that an explanation makes up is one."""
    seen: list[int] = []
    watched = Predictor(best.bundle, best.engine)
    watched.watch = lambda predictions: seen.append(len(predictions))
    explain(watched, made_up(1, seed=9))
    look_around(watched, made_up(1, seed=9))
    assert seen == []


def test_over_http_it_is_the_same_with_the_answer_of_predict(service: httpx.Client, best: Predictor) -> None:
    found = service.post("/explain", json=EXAMPLE).raise_for_status().json()
    answer = service.post("/predict", json=EXAMPLE).json()
    assert found["model_version"] == answer.pop("model_version")
    assert found["prediction"] == answer
    expected = explain(best, to_specifications([Phone(**EXAMPLE)]))
    assert found["contributions"] == expected["contributions"]
