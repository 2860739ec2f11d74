"""What the project promises on the published data."""

import csv
import math
from pathlib import Path

import httpx
import numpy as np
import pytest

from contract.bundle import read_current
from contract.phone import FEATURES
from service.engine import load_engine
from tests.running_service import ARTIFACTS
from training.pipeline import train
from training.recipe import Recipe


def read_rows(table: Path) -> list[dict[str, float]]:
    with table.open() as file:
        return [{name: float(row[name]) for name in FEATURES} for row in csv.DictReader(file)]


def test_the_first_phone_sells_in_range_one(service: httpx.Client, real_table: Path) -> None:
    answer = service.post("/predict", json=read_rows(real_table)[0]).json()
    assert answer["price_range"] == 1
    assert all(math.isfinite(probability) for probability in answer["probabilities"])
    assert sum(answer["probabilities"]) == pytest.approx(1, abs=1e-5)


def test_the_unlabelled_phones_get_the_torch_engines_answers(
    service: httpx.Client, unlabelled_table: Path
) -> None:
    response = service.post(
        "/predict/batch", content=unlabelled_table.read_bytes(), headers={"Content-Type": "text/csv"}
    )
    predictions = response.json()["predictions"]
    features = np.array([list(row.values()) for row in read_rows(unlabelled_table)], np.float32)
    expected = load_engine("torch", read_current(ARTIFACTS)).predict(features)
    assert len(predictions) == 1000
    probabilities = np.array([prediction["probabilities"] for prediction in predictions])
    assert np.abs(probabilities - expected).max() <= 1e-5
    assert [prediction["price_range"] for prediction in predictions] == expected.argmax(axis=1).tolist()


def test_the_real_table_is_served_as_accurately_as_the_manifest_says(
    service: httpx.Client, real_table: Path
) -> None:
    """The manifest's accuracy, measured again over HTTP on the phones that its split held out."""
    from sklearn.model_selection import train_test_split

    with real_table.open() as file:
        labels = [int(row["price_range"]) for row in csv.DictReader(file)]
    manifest = read_current(ARTIFACTS).manifest
    _, phones, _, truth = train_test_split(
        read_rows(real_table), labels, test_size=0.2, random_state=88, stratify=labels
    )
    predictions = service.post("/predict/batch", json={"phones": phones}).json()["predictions"]
    right = [prediction["price_range"] for prediction in predictions]
    assert np.mean(np.equal(right, truth)) == pytest.approx(manifest.metrics.accuracy)


def test_seed_optimized_reaches_the_course_on_the_real_data(real_table: Path, tmp_path: Path) -> None:
    trained = train(Recipe.load("seed-optimized"), real_table, tmp_path, watch=lambda _: None)
    assert trained.metrics.rows == 400
    assert trained.metrics.accuracy >= 0.90


def test_the_committed_bundle_holds_no_row_of_the_real_data(real_table: Path) -> None:
    real = {tuple(row.values()) for row in read_rows(real_table)}
    for row in read_current(ARTIFACTS).manifest.golden_rows:
        assert tuple(row.phone.model_dump().values()) not in real
