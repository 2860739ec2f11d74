"""What was promised, beside what was measured."""

from collections.abc import Sequence

from pydantic import BaseModel

from benchmarks.report import Section


class Target(BaseModel):
    """A bound on a figure."""

    what: str
    found: float
    at_least: float | None = None
    at_most: float | None = None

    @property
    def met(self) -> bool:
        """Whether the figure is within its bounds."""
        return (self.at_least is None or self.found >= self.at_least) and (
            self.at_most is None or self.found <= self.at_most
        )

    @property
    def bound(self) -> str:
        """The bound in words."""
        if self.at_least is not None:
            return f"at least {self.at_least:,.10g}"
        return f"at most {self.at_most:,.10g}"


def targets_section(targets: Sequence[Target]) -> Section:
    """Return the targets as a table."""
    rows = [[each.what, each.bound, f"{each.found:,.2f}", "yes" if each.met else "no"] for each in targets]
    return Section(title="Targets", header=["", "target", "median", "met"], rows=rows)
