"""A comparison as a table in Markdown, and as a picture: the ladder."""

import io
from collections.abc import Sequence

from matplotlib.figure import Figure

from training.comparison import Contender

HEADINGS = ("recipe", "parameters", "accuracy", "log-loss", "ECE", "seconds")


def cells(contender: Contender) -> list[str]:
    """Return a recipe's row, under `HEADINGS`."""
    return [
        contender.recipe,
        f"{contender.parameters:,}",
        f"{contender.accuracy:.4f}",
        f"{contender.log_loss:.4f}",
        f"{contender.ece:.4f}",
        f"{contender.seconds:.1f}",
    ]


def to_markdown(ladder: Sequence[Contender]) -> str:
    """Return the table, and what each recipe is."""
    rows = [HEADINGS, ["---"] + ["---:"] * 5, *map(cells, ladder)]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    descriptions = "\n".join(
        f"- **{contender.recipe}** ({contender.network}): {contender.description}" for contender in ladder
    )
    measured = f"Each is measured on the {ladder[0].rows} phones that its own split holds out."
    return f"# Recipes side by side\n\n{measured}\n\n{table}\n\n{descriptions}\n"


def draw_ladder(ladder: Sequence[Contender]) -> bytes:
    """Return a PNG: accuracy and log-loss of each recipe, the best on top."""
    figure = Figure(figsize=(10, 1.2 + 0.45 * len(ladder)), layout="constrained")
    accuracy, loss = figure.subplots(1, 2, sharey=True)
    names = [contender.recipe for contender in ladder]
    accuracy.bar_label(
        accuracy.barh(names, [contender.accuracy for contender in ladder], color="#0072B2"),
        fmt="{:.4f}",
        padding=3,
    )
    accuracy.set(xlabel="accuracy (share of phones in the right range)", xlim=(0, 1.15))
    loss.bar_label(
        loss.barh(names, [contender.log_loss for contender in ladder], color="#E69F00"),
        fmt="{:.3f}",
        padding=3,
    )
    loss.set(xlabel="log-loss (nats; lower is better)")
    loss.margins(x=0.15)
    figure.suptitle(f"Recipes on the {ladder[0].rows} phones that each holds out")
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=100, metadata={"Software": None})
    return picture.getvalue()
