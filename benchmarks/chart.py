"""Bars side by side: who answers how many, and how soon."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from benchmarks.machine import Machine
from benchmarks.spread import Spread

OURS, OTHERS = "#1f6feb", "#b6bcc4"


@dataclass(frozen=True)
class Panel:
    """One figure of everyone, ours by name. Bars start at zero, so that lengths compare."""

    title: str
    decimals: int
    bars: dict[str, Spread]


def draw(panels: Sequence[Panel], machine: Machine, path: Path) -> None:
    """Draw the panels beside each other into a PNG; whiskers go from the smallest round to the largest."""
    height = 1.6 + 0.42 * max(len(panel.bars) for panel in panels)
    figure = Figure(figsize=(6.2 * len(panels), height), layout="constrained", dpi=120)
    for axes, panel in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        _draw_panel(axes, panel)
    where = f"{machine.measured}, {machine.processor}, {machine.cores} cores, Python {machine.python}"
    figure.supxlabel(f"median, and smallest to largest round; {where}", fontsize=8, color="dimgrey")
    # no date or library version of the picture itself: the same figures give the same bytes
    figure.savefig(path, metadata={"Software": None})


def _draw_panel(axes: Axes, panel: Panel) -> None:
    names, spreads = list(panel.bars), list(panel.bars.values())
    medians = [spread.median for spread in spreads]
    whiskers = [
        [spread.median - spread.low for spread in spreads],
        [spread.high - spread.median for spread in spreads],
    ]
    colours = [OURS if name.startswith("ours") else OTHERS for name in names]
    axes.barh(names, medians, xerr=whiskers, color=colours, ecolor="#57606a", capsize=2)
    for row, spread in enumerate(spreads):
        axes.annotate(
            f"{spread.median:,.{panel.decimals}f}",
            (spread.high, row),
            xytext=(5, 0),
            textcoords="offset points",
            va="center",
        )
    axes.set_title(panel.title, loc="left", fontsize=10)
    axes.set_xlim(0, 1.2 * max(spread.high for spread in spreads))
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.xaxis.set_major_formatter("{x:,.10g}")
    axes.invert_yaxis()
    axes.spines[["top", "right"]].set_visible(False)
