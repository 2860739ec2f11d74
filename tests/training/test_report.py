"""The report of a tiny model: files, figures, pictures."""

import re
import struct
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from contract.bundle import Manifest, current_version, read_current
from contract.phone import FEATURES
from training.dataset import Part, read_dataset, split
from training.fitting import CalibratedModel, fit_calibrated
from training.influence import influence
from training.loop import Epoch
from training.model_card import write_card
from training.plots import (
    draw_confusion,
    draw_influence,
    draw_learning,
    draw_learning_rate,
    draw_reliability,
    draw_scores,
    to_png,
)
from training.recipe import Recipe
from training.report import make_report


@pytest.fixture(scope="module")
def parts(tiny_recipe: Recipe, sample_table: Path) -> tuple[Part, Part]:
    return split(read_dataset(sample_table).phones, tiny_recipe.split)


@pytest.fixture(scope="module")
def model(tiny_recipe: Recipe, parts: tuple[Part, Part]) -> CalibratedModel:
    return fit_calibrated(tiny_recipe, parts[0])


@pytest.fixture(scope="module")
def manifest(tiny_artifacts: Path) -> Manifest:
    return read_current(tiny_artifacts).manifest


@pytest.fixture(scope="module")
def report(manifest: Manifest, model: CalibratedModel, parts: tuple[Part, Part]) -> Mapping[str, bytes]:
    return make_report(manifest, model, parts[1])


def test_every_picture_is_shown_in_the_card_and_is_a_picture(report: Mapping[str, bytes]) -> None:
    shown = re.findall(r"!\[.*?\]\((.*?)\)", report["report/MODEL_CARD.md"].decode())
    pictures = {path: content for path, content in report.items() if path.endswith(".png")}
    assert {f"report/{name}" for name in shown} == pictures.keys()
    assert len(pictures) == 6
    for content in pictures.values():
        assert content.startswith(b"\x89PNG")
        width, height = struct.unpack(">II", content[16:24])
        assert 400 <= width <= 1000
        assert 400 <= height <= 1000
        assert len(content) <= 80_000


def test_the_report_lies_in_the_bundle(tiny_artifacts: Path, report: Mapping[str, bytes]) -> None:
    found = (tiny_artifacts / current_version(tiny_artifacts) / "report").iterdir()
    assert {f"report/{path.name}" for path in found} == report.keys()


def test_the_same_run_gives_the_same_report(
    report: Mapping[str, bytes], manifest: Manifest, model: CalibratedModel, parts: tuple[Part, Part]
) -> None:
    assert make_report(manifest, model, parts[1]) == report


def test_the_cards_figures_are_the_manifests(manifest: Manifest) -> None:
    card, metrics = write_card(manifest), manifest.metrics
    rows = {
        cells[1].strip(): cells[2].strip() for line in card.splitlines() if len(cells := line.split("|")) == 5
    }
    assert rows["Accuracy"].startswith(f"{metrics.accuracy:.4f} (")
    assert rows["Log-loss"] == f"{metrics.log_loss:.4f}"
    assert rows["Brier score"] == f"{metrics.brier_score:.4f}"
    assert rows["Expected calibration error"] == f"{metrics.ece:.4f}"
    assert rows["Prediction sets that hold the true range"].startswith(f"{metrics.coverage:.4f} (")
    assert rows["Ranges in a prediction set"] == f"{metrics.mean_set_size:.3f}"
    for label, counts in zip(manifest.classes, metrics.confusion_matrix, strict=True):
        assert f"| {label} | {' | '.join(map(str, counts))} |" in card
    assert f"On the {metrics.rows} phones held out" in card
    assert manifest.data.sha256 in card
    assert "recipe tiny" in card


def test_the_cards_interval_is_wilsons(manifest: Manifest) -> None:
    """36 of 40: centre (p + z²/2n) / (1 + z²/n), worked out by hand."""
    metrics = manifest.metrics.model_copy(update={"rows": 40, "accuracy": 0.9})
    card = write_card(manifest.model_copy(update={"metrics": metrics}))
    assert "| Accuracy | 0.9000 (0.769 to 0.960) |" in card


def test_the_card_tells_the_age_of_the_phones_and_what_they_are_not_for(manifest: Manifest) -> None:
    ram = manifest.features[FEATURES.index("ram")]
    card = write_card(manifest)
    assert "## What it must not be used for" in card
    assert f"{ram.low:g} to {ram.high:g} MB" in card
    assert "years old" in card
    larger = [feature.model_copy(update={"high": 8192.0}) for feature in manifest.features]
    assert "years old" not in write_card(manifest.model_copy(update={"features": larger}))


def test_the_card_tells_a_made_up_table_from_a_real_one(manifest: Manifest) -> None:
    assert manifest.data.name == "sample.csv"
    assert "is made up" in write_card(manifest)
    real = manifest.data.model_copy(update={"name": "phones.csv"})
    assert "is made up" not in write_card(manifest.model_copy(update={"data": real}))


def test_the_cards_recipe_is_the_one_that_was_trained(
    manifest: Manifest, tiny_recipe: Recipe, tmp_path: Path
) -> None:
    (text,) = re.findall(r"```toml\n(.*?)```", write_card(manifest), re.DOTALL)
    (tmp_path / "tiny.toml").write_text(text)
    assert Recipe.load(str(tmp_path / "tiny.toml")) == tiny_recipe


def test_many_phones_make_neither_a_large_picture_nor_a_slow_one(model: CalibratedModel) -> None:
    many = 20_000
    scores, labels = np.linspace(-3, 3, many), np.arange(many) % 4
    picture = to_png(draw_scores("Score", scores, [-1.0, 0.0, 1.0], labels, labels))
    assert len(picture) < 120_000


def test_the_report_tells_nothing_of_the_machine_that_made_it(report: Mapping[str, bytes]) -> None:
    for path, content in report.items():
        for told in (b"/home", b"/work", b"/tmp", b".py"):
            assert told not in content, path


def texts(figure: Figure) -> list[str]:
    """All that can be read in a figure."""
    found = []
    for axes in figure.axes:
        found += [axes.get_title(), axes.get_xlabel(), axes.get_ylabel()]
        found += [text.get_text() for text in [*axes.texts, *axes.get_xticklabels(), *axes.get_yticklabels()]]
        legend = axes.get_legend()
        found += [text.get_text() for text in legend.get_texts()] if legend else []
    return found


HISTORY = [Epoch(1, 1.5, 0.3, 0.1), Epoch(2, 0.8, 0.6, 0.05), Epoch(3, 0.5, 0.8, 0.01)]


def test_the_learning_curves_are_the_history() -> None:
    loss, accuracy = draw_learning(HISTORY).axes
    assert loss.lines[0].get_xydata().tolist() == [[1, 1.5], [2, 0.8], [3, 0.5]]  # type: ignore[union-attr]
    assert accuracy.lines[0].get_xydata().tolist() == [[1, 0.3], [2, 0.6], [3, 0.8]]  # type: ignore[union-attr]
    assert len(loss.lines) == 1
    (rate,) = draw_learning_rate(HISTORY).axes[0].lines
    assert rate.get_xydata().tolist() == [[1, 0.1], [2, 0.05], [3, 0.01]]  # type: ignore[union-attr]


def test_with_early_stopping_the_validation_part_has_its_curve() -> None:
    figure = draw_learning(
        [epoch._replace(validation_loss=2.0, validation_accuracy=0.2) for epoch in HISTORY]
    )
    assert [len(axes.lines) for axes in figure.axes] == [2, 2]
    assert "on the validation part" in texts(figure)


def test_the_confusion_matrix_shows_its_counts(manifest: Manifest) -> None:
    shown = texts(draw_confusion(manifest.metrics))
    for counts in manifest.metrics.confusion_matrix:
        assert {str(count) for count in counts} <= set(shown)
    assert {"low", "medium", "high", "very high", "true range", "predicted range"} <= set(shown)


def test_the_reliability_diagram_sets_accuracy_against_confidence() -> None:
    """Ten phones at 0.7, of which seven are right, and ten at 1.0, all right."""
    probabilities = np.array([[0.7, 0.1, 0.1, 0.1]] * 10 + [[1.0, 0, 0, 0]] * 10)
    labels = np.array([0] * 7 + [1] * 3 + [0] * 10)
    reliability, numbers = draw_reliability(probabilities, labels).axes
    points = [line.get_xydata() for line in reliability.lines if line.get_marker() == "o"]
    assert np.concatenate(points) == pytest.approx(np.array([[0.7, 0.7], [1.0, 1.0]]))
    assert sum(patch.get_height() for patch in numbers.patches) == 20  # type: ignore[attr-defined]


def test_the_influence_is_sorted_and_of_all_features() -> None:
    rise = np.zeros(20)
    rise[FEATURES.index("ram")] = 3.0
    figure = draw_influence(rise, np.zeros(20))
    names = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert sorted(names) == sorted(FEATURES)
    assert names[-1] == "ram"


def test_what_a_model_does_not_look_at_has_no_influence(
    model: CalibratedModel, parts: tuple[Part, Part]
) -> None:
    """With the weights of a feature at zero its shuffling changes nothing; that of another does."""
    first, *_ = model.network.layers.parameters()
    before = first.detach().clone()
    first.data[:, FEATURES.index("ram")] = 0
    try:
        found = influence(model, parts[1])
    finally:
        first.data.copy_(before)
    assert found.mean[FEATURES.index("ram")] == 0
    assert np.abs(found.mean).max() > 0


def test_the_answers_get_worse_without_what_prices_hang_on(parts: tuple[Part, Part]) -> None:
    found = influence(fit_calibrated(Recipe.load("best"), parts[0]), parts[1])
    assert FEATURES[int(found.mean.argmax())] == "ram"
    assert found.mean.max() > 1


def test_a_phone_put_in_another_range_is_ringed() -> None:
    scores, labels, predicted = (
        np.array([-2.0, -0.5, 0.5, 2.0]),
        np.array([0, 1, 1, 3]),
        np.array([0, 1, 2, 3]),
    )
    figure = draw_scores("Score", scores, [-1.0, 0.0, 1.0], labels, predicted)
    *_, rings = figure.axes[0].collections
    assert np.asarray(rings.get_offsets())[:, 0].tolist() == [0.5]
    assert [line.get_xdata()[0] for line in figure.axes[0].lines] == [-1.0, 0.0, 1.0]  # type: ignore[index]


@pytest.mark.parametrize("recipe", ["best", "seed-baseline"])
def test_both_kinds_of_head_have_their_scores_drawn(
    recipe: str, manifest: Manifest, parts: tuple[Part, Part]
) -> None:
    quick = Recipe.load(recipe).model_copy(update={"epochs": 2})
    made = make_report(manifest, fit_calibrated(quick, parts[0]), parts[1])
    assert made["report/scores.png"].startswith(b"\x89PNG")
