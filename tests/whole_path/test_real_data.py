"""What the project promises on the published data."""

import csv
import json
import math
import subprocess
import sys
from pathlib import Path

import httpx
import numpy as np
import pytest

from contract.bundle import read_current
from contract.phone import FEATURES
from service.engine import load_engine
from tests.running_service import ARTIFACTS, PROJECT
from training.cross_validation import cross_validate
from training.dataset import read_dataset
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


@pytest.mark.parametrize(
    ("recipe", "lowest", "highest"), [("seed-baseline", 0.58, 0.70), ("seed-optimized", 0.90, 0.93)]
)
def test_the_courses_networks_reach_from_the_command_line_what_the_course_reached(
    real_table: Path, tmp_path: Path, recipe: str, lowest: float, highest: float
) -> None:
    command = [sys.executable, "-m", "training", "train", "--recipe", recipe, "--data", str(real_table)]
    command += ["--out", str(tmp_path), "--json", str(tmp_path / "figures.json")]
    subprocess.run(command, cwd=PROJECT, check=True, capture_output=True)
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert figures["rows"] == 400
    assert lowest <= figures["accuracy"] <= highest


def test_the_committed_bundles_recipe_trained_again_meets_its_figures(
    real_table: Path, tmp_path: Path
) -> None:
    committed = read_current(ARTIFACTS).manifest
    assert committed.recipe == Recipe.load("best").model_dump(mode="json")
    train(Recipe.model_validate(committed.recipe), real_table, tmp_path)
    again = read_current(tmp_path).manifest
    assert again.data == committed.data
    # another processor rounds otherwise, and a phone on a threshold may fall on its other side
    assert again.metrics.accuracy == pytest.approx(committed.metrics.accuracy, abs=2 / 400)
    for figure in ("log_loss", "brier_score", "ece", "mean_set_size"):
        assert getattr(again.metrics, figure) == pytest.approx(getattr(committed.metrics, figure), abs=0.01)
    assert again.calibration.threshold == pytest.approx(committed.calibration.threshold, abs=0.01)


def test_best_keeps_its_promise_on_phones_it_has_not_learnt(real_table: Path) -> None:
    """Half the folds of the figures that the README tells, on folds that nothing was tuned on."""
    phones = read_dataset(real_table).phones
    figures = cross_validate(Recipe.load("best"), phones, folds=5, repeats=1, seed=321, watch=lambda _: None)
    assert figures.accuracy_mean >= 0.972
    assert figures.log_loss_mean <= 0.052
    assert figures.ece <= 0.02
    assert figures.off_by_more_than_one == 0
    assert 0.983 <= figures.coverage <= 0.997
    assert figures.mean_set_size <= 1.06


def test_the_committed_bundle_holds_no_row_of_the_real_data(real_table: Path) -> None:
    real = {tuple(row.values()) for row in read_rows(real_table)}
    for row in read_current(ARTIFACTS).manifest.golden_rows:
        assert tuple(row.phone.model_dump().values()) not in real
