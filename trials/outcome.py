"""What a trial found: figures held against bounds, and whether its positive control was seen to fail."""

import math
import operator
from collections.abc import Callable
from typing import Any, Self

from pydantic import BaseModel, Field, field_validator

Figure = int | float


class Line(BaseModel):
    """One figure and its bound."""

    what: str
    unit: str = ""
    measured: Figure
    relation: str
    bound: Figure

    @field_validator("measured", mode="before")
    @classmethod
    def _of_null(cls, measured: object) -> object:
        return math.nan if measured is None else measured  # JSON has no other word for what never came

    @property
    def holds(self) -> bool:
        """Whether the figure keeps to its bound; NaN keeps to none."""
        return _RELATIONS[self.relation](self.measured, self.bound)

    def told(self) -> str:
        """Return it as words, as in `answers that were wrong 0 (= 0)`."""
        unit = f" {self.unit}" if self.unit else ""
        return f"{self.what} {_plain(self.measured)}{unit} ({self.relation} {_plain(self.bound)})"


_RELATIONS: dict[str, Callable[[Figure, Figure], bool]] = {
    "≤": operator.le,
    "≥": operator.ge,
    "=": operator.eq,
}


def _plain(figure: Figure) -> str:
    if not math.isfinite(figure):
        return "never"
    return f"{figure:,}" if isinstance(figure, int) or figure.is_integer() else f"{figure:.3g}"


def at_most(what: str, measured: Figure, bound: Figure, unit: str = "") -> Line:
    """A figure that may not be larger."""
    return Line(what=what, measured=measured, relation="≤", bound=bound, unit=unit)


def at_least(what: str, measured: Figure, bound: Figure, unit: str = "") -> Line:
    """A figure that may not be smaller."""
    return Line(what=what, measured=measured, relation="≥", bound=bound, unit=unit)


def exactly(what: str, measured: Figure, bound: Figure, unit: str = "") -> Line:
    """A count that may not differ."""
    return Line(what=what, measured=measured, relation="=", bound=bound, unit=unit)


class Control(BaseModel):
    """The variant that must fail."""

    what: str = Field(description="How it differs")
    failed: bool = Field(description="Whether the trial noticed")
    seen: str = Field(description="What it noticed, with its figure")

    def told(self) -> str:
        """Return it as words."""
        return f"{self.what}: {self.seen}"


class Outcome(BaseModel):
    """What a trial found."""

    lines: list[Line] = Field(min_length=1)
    controls: list[Control] = Field(min_length=1)
    not_measured: list[str] = Field(default_factory=list, description="What could not be, here, and why")
    figures: dict[str, Any] = Field(default_factory=dict, description="What else is worth knowing; no bound")

    @property
    def passed(self) -> bool:
        """Whether every bound holds and every control failed."""
        return all(line.holds for line in self.lines) and all(control.failed for control in self.controls)

    def because(self) -> list[str]:
        """Say what keeps it from passing."""
        return [line.told() for line in self.lines if not line.holds] + [
            f"the control was not noticed: {control.what}" for control in self.controls if not control.failed
        ]

    def also(self, other: Self) -> Self:
        """Return both as one."""
        return type(self)(
            lines=self.lines + other.lines,
            controls=self.controls + other.controls,
            not_measured=self.not_measured + other.not_measured,
            figures=self.figures | other.figures,
        )
