"""The bundle's report: pictures, the model card and the history, for people; the service loads none of it."""

import json
from collections.abc import Mapping

import numpy as np
import torch
from matplotlib.figure import Figure

from contract.bundle import Manifest
from contract.network import standardise
from contract.phone import PriceRange
from training.dataset import Part
from training.fitting import CalibratedModel
from training.influence import influence
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


def make_report(manifest: Manifest, model: CalibratedModel, held_out: Part) -> Mapping[str, bytes]:
    """Return the report's files by path; `held_out` are the phones of `manifest.metrics`."""
    probabilities, labels = model.probabilities(held_out.matrix), held_out.classes
    pictures = {
        "confusion.png": draw_confusion(manifest.metrics),
        "scores.png": _draw_scores(model, held_out),
        "reliability.png": draw_reliability(probabilities, labels),
        "influence.png": draw_influence(*influence(model, held_out)),
        "learning.png": draw_learning(model.history),
        "learning_rate.png": draw_learning_rate(model.history),
    }
    history = [epoch._asdict() for epoch in model.history]
    return {
        **{f"report/{name}": to_png(figure) for name, figure in pictures.items()},
        "report/history.json": json.dumps(history, indent=1).encode() + b"\n",
        "report/MODEL_CARD.md": write_card(manifest).encode(),
    }


@torch.inference_mode()
def _draw_scores(model: CalibratedModel, held_out: Part) -> Figure:
    """An ordinal network has a score and thresholds; of another the mean of the range comes nearest."""
    network, labels, probabilities = model.network, held_out.classes, model.probabilities(held_out.matrix)
    predicted = probabilities.argmax(axis=1)
    if network.head is None:
        expected = probabilities @ np.arange(len(PriceRange))
        return draw_scores("Expected range", expected, [0.5, 1.5, 2.5], labels, predicted)
    features = torch.from_numpy(standardise(model.scaler, held_out.matrix))
    score = network.score(features).squeeze(1).numpy()
    return draw_scores("Score", score, network.head.thresholds.tolist(), labels, predicted)
