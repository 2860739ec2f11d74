"""The pictures of a report: each function draws one figure.

The colours are those of M. Okabe and K. Ito, which the colour-blind can tell apart.
"""

import io
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray
from scipy.stats import binomtest

from contract.bundle import Metrics
from contract.phone import FEATURES, PriceRange, Probabilities
from training.evaluation import CONFIDENCE_BINS, reliability
from training.loop import Epoch

BLUE, ORANGE, GREEN, RED, GREY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#999999"
OF_RANGES = (BLUE, GREEN, ORANGE, RED)
MOST_DOTS = 1000
"""In one picture: more hide each other, and swell the file."""

LABELS = [price_range.label for price_range in PriceRange]


def to_png(figure: Figure) -> bytes:
    """Return the picture, the same bytes for the same figure."""
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=100, metadata={"Software": None})
    return picture.getvalue()


def draw_learning(history: Sequence[Epoch]) -> Figure:
    """Draw loss and accuracy over the epochs."""
    figure = Figure(figsize=(9, 4), layout="constrained")
    loss, accuracy = figure.subplots(1, 2)
    epochs = [epoch.number for epoch in history]
    for axes, name in ((loss, "loss"), (accuracy, "accuracy")):
        axes.plot(epochs, [getattr(epoch, name) for epoch in history], color=BLUE, label="as it was learnt")
        validated = [getattr(epoch, f"validation_{name}") for epoch in history]
        if validated[0] is not None:
            axes.plot(epochs, validated, color=ORANGE, label="on the validation part")
        axes.set(xlabel="epoch", title=name)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.3)
        axes.legend()
    loss.set(ylabel="cross-entropy (nats)", yscale="log")
    accuracy.set(ylabel="share of phones in the right range")
    return figure


def draw_learning_rate(history: Sequence[Epoch]) -> Figure:
    """Draw the learning rate over the epochs."""
    figure, axes = _one_plot("Learning rate of each epoch")
    axes.plot([epoch.number for epoch in history], [epoch.learning_rate for epoch in history], color=BLUE)
    axes.set(xlabel="epoch", ylabel="learning rate", ylim=(0, None))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3)
    return figure


def draw_confusion(metrics: Metrics) -> Figure:
    """Draw how many phones of each range were put in which."""
    figure, axes = _one_plot(f"True and predicted range of {metrics.rows} phones held out", size=(5.5, 5))
    counts = np.array(metrics.confusion_matrix)
    axes.imshow(counts, cmap="Blues")
    for (true, predicted), count in np.ndenumerate(counts):
        colour = "white" if count > counts.max() / 2 else "black"
        axes.text(predicted, true, str(count), ha="center", va="center", color=colour)
    axes.set(xlabel="predicted range", ylabel="true range")
    axes.set_xticks(range(len(LABELS)), LABELS)
    axes.set_yticks(range(len(LABELS)), LABELS)
    return figure


def draw_reliability(probabilities: Probabilities, labels: NDArray[np.int64]) -> Figure:
    """Draw accuracy against confidence, and how many phones each point stands for."""
    figure = Figure(figsize=(5.5, 6), layout="constrained")
    curve, numbers = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    curve.plot([0, 1], [0, 1], color=GREY, linestyle="--", label="as it should be")
    for each in reliability(probabilities, labels):
        right = round(each.accuracy * each.phones)
        interval = binomtest(right, each.phones).proportion_ci(method="wilson")
        curve.plot([each.confidence] * 2, [interval.low, interval.high], color=BLUE, linewidth=1)
        curve.plot(each.confidence, each.accuracy, color=BLUE, marker="o")
    curve.set(ylabel="accuracy, with 95 % interval", title="Does confidence tell how often it is right?")
    curve.legend(loc="upper left")
    edges = np.linspace(0, 1, CONFIDENCE_BINS + 1).tolist()
    counts, _, bars = numbers.hist(probabilities.max(axis=1), bins=edges, color=BLUE)
    numbers.bar_label(bars, [f"{count:.0f}" if count else "" for count in counts], fontsize="small")
    numbers.set(
        xlabel="confidence (largest probability)",
        ylabel="phones",
        yscale="log",
        xlim=(0.2, 1.02),
        ylim=(0.5, len(labels) * 3),
    )
    for axes in (curve, numbers):
        axes.grid(alpha=0.3)
    return figure


def draw_influence(influence: NDArray[np.float64], spread: NDArray[np.float64]) -> Figure:
    """Draw by how much the log-loss rises when a feature (20,) is shuffled among the phones held out."""
    figure, axes = _one_plot("Which specifications the answer hangs on", size=(7, 6))
    order = np.argsort(influence)
    axes.barh([FEATURES[index] for index in order], influence[order], xerr=spread[order], color=BLUE)
    for place, index in enumerate(order):
        end = max(0.0, influence[index] + spread[index])
        axes.annotate(
            f"{influence[index]:.3f}",
            (end, place),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            fontsize="small",
        )
    axes.set(xlabel="rise of the log-loss when it is shuffled (nats; logarithmic above 1)", xscale="symlog")
    axes.set_xlim(min(0.0, float((influence - spread).min())), 3 * float(influence.max()) + 0.1)
    axes.grid(alpha=0.3, axis="x")
    return figure


def draw_scores(
    name: str,
    scores: NDArray[np.floating],
    thresholds: Sequence[float],
    labels: NDArray[np.int64],
    predicted: NDArray[np.int64],
) -> Figure:
    """Draw the score (N,) of each phone held out, by its true range, against the thresholds."""
    figure, axes = _one_plot(f"{name} of the phones held out, and what cuts it into ranges", size=(9, 4.5))
    if len(scores) > MOST_DOTS:
        scores, labels, predicted = scores[:MOST_DOTS], labels[:MOST_DOTS], predicted[:MOST_DOTS]
        axes.set_title(f"{name} of {MOST_DOTS:,} of the phones held out, and what cuts it into ranges")
    lift = np.random.default_rng(0).uniform(-0.35, 0.35, len(scores))  # so that phones do not hide each other
    for value, (label, colour) in enumerate(zip(LABELS, OF_RANGES, strict=True)):
        of_range = labels == value
        axes.scatter(scores[of_range], value + lift[of_range], s=10, color=colour, alpha=0.6, label=label)
    wrong = predicted != labels
    axes.scatter(
        scores[wrong],
        (labels + lift)[wrong],
        s=60,
        facecolors="none",
        edgecolors="black",
        label=f"put in another range ({wrong.sum()})",
    )
    for threshold in thresholds:
        axes.axvline(threshold, color="black", linewidth=1)
    axes.set(xlabel=name.lower(), ylabel="true range")
    axes.set_yticks(range(len(LABELS)), LABELS)
    figure.legend(loc="outside lower center", ncols=5, fontsize="small")
    return figure


def _one_plot(title: str, size: tuple[float, float] = (7, 4)) -> tuple[Figure, Axes]:
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots()
    axes.set_title(title)
    return figure, axes
