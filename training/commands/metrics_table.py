"""A model's figures on the terminal."""

from contract.bundle import Metrics
from contract.phone import PriceRange
from training.commands.terminal import console, table


def print_metrics(metrics: Metrics, phones: str = "phones") -> None:
    """Print the figures, and the confusion matrix as a table; `phones` says which they are of."""
    console.print(
        f"on {metrics.rows} {phones}: accuracy {metrics.accuracy:.4f} log-loss {metrics.log_loss:.4f} "
        f"macro-F1 {metrics.macro_f1:.4f} Brier {metrics.brier_score:.4f} ECE {metrics.ece:.4f}"
    )
    console.print(
        f"prediction sets: {metrics.coverage:.2%} hold the true range, "
        f"{metrics.mean_set_size:.3f} ranges on average"
    )
    shown = table("true \\ predicted", *(price_range.label for price_range in PriceRange))
    for price_range, counts in zip(PriceRange, metrics.confusion_matrix, strict=True):
        shown.add_row(price_range.label, *map(str, counts))
    console.print(shown)
