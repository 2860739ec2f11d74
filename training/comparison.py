"""Recipes side by side, each trained and measured on its own split of the same table."""

from time import perf_counter

from pydantic import BaseModel, Field

from training.dataset import Part, split
from training.evaluation import evaluate
from training.fitting import fit_calibrated
from training.recipe import Recipe


class Contender(BaseModel):
    """A recipe and what came of it."""

    recipe: str
    description: str
    network: str
    parameters: int
    rows: int = Field(description="Phones held out, on which it is measured")
    accuracy: float
    log_loss: float
    ece: float
    seconds: float = Field(description="To train and calibrate")


def contend(recipe: Recipe, phones: Part) -> Contender:
    """Train the recipe and measure it on the part that it holds out."""
    training_part, held_out = split(phones, recipe.split)
    start = perf_counter()
    model = fit_calibrated(recipe, training_part)
    seconds = perf_counter() - start
    metrics = evaluate(model.probabilities(held_out.matrix), held_out.classes, model.calibration.threshold)
    return Contender(
        recipe=recipe.name,
        description=recipe.description,
        network=str(recipe.network),
        parameters=recipe.network.parameter_count,
        rows=metrics.rows,
        accuracy=metrics.accuracy,
        log_loss=metrics.log_loss,
        ece=metrics.ece,
        seconds=seconds,
    )


def ranked(contenders: list[Contender]) -> list[Contender]:
    """Return them in the order of a ladder: from the least accurate to the most, of equals the surer last."""
    return sorted(contenders, key=lambda contender: (contender.accuracy, -contender.log_loss))
