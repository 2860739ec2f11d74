"""python -m benchmarks.training: how long training takes, the course's way and ours.

The course's way: a DataLoader in batches of eight, torch's Adam as it comes, the loss read after
every batch. Ours is `training.fitting.fit_model`. Same recipe, data and split; the two take turns, so that a
machine which slows down slows both.
"""

from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Annotated

import numpy as np
import torch
import typer
from pydantic import BaseModel
from rich.console import Console
from rich.table import Table
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.terminal import JsonOption, RoundsOption
from contract.network import PhonePriceNetwork, standardise
from contract.phone import Probabilities
from training.dataset import Part, default_path, read_dataset, split
from training.fitting import Model, fit_calibrated, fit_model
from training.recipe import Recipe


class Figures(BaseModel):
    """Seconds of each round, medians compared, and the accuracy that each way reached."""

    recipe: str
    epochs: int
    course_seconds: list[float]
    our_seconds: list[float]
    ratio: float
    course_accuracy: float
    our_accuracy: float
    best_seconds: list[float]


def train_the_courses_way(recipe: Recipe, part: Part) -> Model:
    """Train a recipe that has a softmax head and Adam, without any of our loop."""
    scaler = StandardScaler().fit(part.features)
    torch.manual_seed(recipe.seed)
    table = TensorDataset(torch.from_numpy(standardise(scaler, part.matrix)), torch.from_numpy(part.classes))
    loader = DataLoader(table, shuffle=True, batch_size=8)
    network = PhonePriceNetwork(recipe.network)
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(network.parameters(), lr=recipe.optimizer.learning_rate)
    for _ in range(recipe.epochs):
        total = 0.0
        for features, labels in loader:
            network.train()
            loss = criterion(network(features), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
    return Model(scaler, network, history=[])


def timed(train: Callable[[Recipe, Part], Model], recipe: Recipe, part: Part) -> tuple[float, Model]:
    """Return the seconds it took, and the model."""
    start = perf_counter()
    model = train(recipe, part)
    return perf_counter() - start, model


def accuracy(model: Model, part: Part) -> float:
    """Return the share of phones put in the right range."""
    probabilities: Probabilities = model.probabilities(part.matrix)
    return float(np.mean(probabilities.argmax(axis=1) == part.classes))


def measure(data: Path, rounds: int, epochs: int | None) -> Figures:
    """Train `seed-optimized` both ways in turn, and `best` as the training command does."""
    phones = read_dataset(data).phones
    recipe = Recipe.load("seed-optimized")
    recipe = recipe.model_copy(update={"epochs": epochs or recipe.epochs})
    part, held_out = split(phones, recipe.split)
    course, ours, best = [], [], []
    for _ in range(rounds):
        course.append(timed(train_the_courses_way, recipe, part))
        ours.append(timed(fit_model, recipe, part))
        best.append(timed(fit_calibrated, Recipe.load("best"), part))
    course_seconds, our_seconds = [seconds for seconds, _ in course], [seconds for seconds, _ in ours]
    return Figures(
        recipe=recipe.name,
        epochs=recipe.epochs,
        course_seconds=course_seconds,
        our_seconds=our_seconds,
        ratio=median(our_seconds) / median(course_seconds),
        course_accuracy=accuracy(course[0][1], held_out),
        our_accuracy=accuracy(ours[0][1], held_out),
        best_seconds=[seconds for seconds, _ in best],
    )


def main(
    data: Annotated[Path | None, typer.Option(help="CSV. Default: as python -m training train.")] = None,
    rounds: RoundsOption = 3,
    epochs: Annotated[int | None, typer.Option(min=1, help="Default: the recipe's.")] = None,
    json: JsonOption = None,
) -> None:
    """Time training the course's way against ours."""
    figures = measure(data or default_path(), rounds, epochs)
    table = Table("", "seconds, each round", "accuracy")
    for name, seconds, reached in (
        ("the course's way", figures.course_seconds, f"{figures.course_accuracy:.4f}"),
        ("ours", figures.our_seconds, f"{figures.our_accuracy:.4f}"),
        ("best, calibration included", figures.best_seconds, ""),
    ):
        table.add_row(name, " ".join(f"{each:.2f}" for each in seconds), reached)
    console = Console(highlight=False)
    console.print(f"{figures.recipe}, {figures.epochs} epochs")
    console.print(table)
    console.print(f"ours takes {figures.ratio:.2f} of the course's time (medians)")
    if json is not None:
        json.write_text(figures.model_dump_json(indent=2) + "\n")


if __name__ == "__main__":
    typer.run(main)
