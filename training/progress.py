"""Telling how a run goes: a bar on a terminal, plain lines elsewhere."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from training.loop import Epoch


@contextmanager
def watching(console: Console, epochs: int) -> Iterator[Callable[[Epoch], None]]:
    """Yield what is to be told of each epoch."""
    if console.is_terminal:
        with _bar(console) as bar:
            task = bar.add_task("training", total=epochs, figures="")
            yield lambda epoch: bar.update(task, completed=epoch.number, figures=_figures(epoch))
    else:
        yield lambda epoch: console.print(f"epoch {epoch.number}/{epochs} {_figures(epoch)}", highlight=False)


def _bar(console: Console) -> Progress:
    return Progress(
        TextColumn("epoch"),
        MofNCompleteColumn(),
        BarColumn(),
        TextColumn("{task.fields[figures]}"),
        TimeRemainingColumn(),
        console=console,
    )


def _figures(epoch: Epoch) -> str:
    return f"loss {epoch.loss:.4f} accuracy {epoch.accuracy:.4f}"
