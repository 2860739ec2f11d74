"""Telling how a run goes: bars on a terminal, plain lines elsewhere."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from training.fitting import Watch
from training.loop import Epoch
from training.recipe import Recipe

MOST_LINES = 50
"""Of a training run, where there is no terminal to draw a bar on."""


class TrainingWatch(NamedTuple):
    """What is to be told of each epoch: of the model itself, and of those that calibrate it."""

    training: Watch
    calibration: Watch


def both(first: Watch, second: Watch) -> Watch:
    """Return what tells two."""

    def watch(epoch: Epoch) -> None:
        first(epoch)
        second(epoch)

    return watch


@contextmanager
def watching(console: Console, recipe: Recipe) -> Iterator[TrainingWatch]:
    """Yield what is to be told how a training run goes."""
    folds = recipe.calibration.folds
    if not console.is_terminal:
        yield TrainingWatch(_lines(console, recipe.epochs), _fold_lines(console, folds))
        return
    with _bars(console) as bars:
        training = bars.add_task("training", total=recipe.epochs, told="")
        calibration = bars.add_task("calibrating", total=folds * recipe.epochs, told=f"{folds} folds")
        yield TrainingWatch(
            lambda epoch: bars.update(training, completed=epoch.number, told=_figures(epoch)),
            lambda _: bars.advance(calibration),
        )


class Counter(NamedTuple):
    """What is to be told of each thing done, and which is next."""

    done: Callable[[], None]
    next: Callable[[str], None]


@contextmanager
def counting(console: Console, things: str, total: int) -> Iterator[Counter]:
    """Yield what is to be told as `total` things get done."""
    if not console.is_terminal:
        yield _line_counter(console, things, total)
        return
    with _bars(console) as bars:
        task = bars.add_task(things, total=total, told="")
        yield Counter(lambda: bars.advance(task), lambda name: bars.update(task, told=name))


def _bars(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        MofNCompleteColumn(),
        BarColumn(),
        TextColumn("{task.fields[told]}"),
        TimeRemainingColumn(),
        console=console,
    )


def _lines(console: Console, epochs: int) -> Watch:
    every = -(-epochs // MOST_LINES)

    def tell(epoch: Epoch) -> None:
        if epoch.number % every == 0 or epoch.number == epochs:
            console.print(f"epoch {epoch.number}/{epochs} {_figures(epoch)}")

    return tell


def _fold_lines(console: Console, folds: int) -> Watch:
    fold = 0

    def tell(epoch: Epoch) -> None:
        nonlocal fold
        if epoch.number == 1:
            fold += 1
            console.print(f"calibrating: fold {fold}/{folds}")

    return tell


def _line_counter(console: Console, things: str, total: int) -> Counter:
    done = 0

    def count() -> None:
        nonlocal done
        done += 1
        console.print(f"{things} {done}/{total}")

    return Counter(count, lambda name: console.print(f"{name} ..."))


def _figures(epoch: Epoch) -> str:
    return f"loss {epoch.loss:.4f} accuracy {epoch.accuracy:.4f}"
