"""What is kept of a trial: one JSON file for each id, and the table that is made of them."""

from collections.abc import Iterable
from pathlib import Path
from typing import Self

from pydantic import BaseModel

from benchmarks.machine import Machine
from trials.outcome import Outcome
from trials.trial import Trial

PREFACE = """# What was tried, and what came of it

Faults, bad input and load, brought about on purpose against the real service. Each trial has a control, a
variant without the protection, which must fail in the same run; a figure out of its bounds is **bold**. This
page is the output of `python -m trials table`. `make chaos`, `make fuzz`, `make load`, `make soak` and
`make audit` measure anew at full length; `python -m trials run K1` runs one trial in its short form, and CI
all of them (X1, the container, as `make test-image`).

"""

HEAD = "| Id | What is tried | Passes when | Measured | Control, which must fail | Date |"

RESULTS = Path(__file__).parent / "results"


class Record(BaseModel):
    """An outcome, and where and when it came about."""

    id: str
    what: str
    passes: str
    full_length: bool
    passed: bool
    seconds: float
    outcome: Outcome
    machine: Machine

    @classmethod
    def of(cls, trial: Trial, full_length: bool, seconds: float, outcome: Outcome) -> Self:
        """Note where and when this is."""
        return cls(
            id=trial.id,
            what=trial.what,
            passes=trial.passes,
            full_length=full_length,
            passed=outcome.passed,
            seconds=round(seconds, 1),
            outcome=outcome,
            machine=Machine.this(),
        )

    def write(self, folder: Path) -> Path:
        """Replace what is known of this id."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.id}.json"
        path.write_text(self.model_dump_json(indent=2) + "\n")
        return path


def read(trials: Iterable[Trial], folder: Path = RESULTS) -> dict[str, Record]:
    """Return what is known of the trials, by id; a trial that was never run is not there."""
    paths = {trial.id: folder / f"{trial.id}.json" for trial in trials}
    return {
        name: Record.model_validate_json(path.read_text()) for name, path in paths.items() if path.is_file()
    }


def table(trials: Iterable[Trial], records: dict[str, Record]) -> str:
    """Return the Markdown table of all trials: what must be, what was measured, and when."""
    rows = [_row(trial, records.get(trial.id)) for trial in trials]
    return PREFACE + "\n".join([HEAD, "|---|---|---|---|---|---|", *rows]) + "\n"


def _row(trial: Trial, record: Record | None) -> str:
    told = f"| {trial.id} | {trial.what} | {trial.passes} "
    if record is None:
        return f"{told}| not yet | | |"
    told_lines = [_marked(line.told(), line.holds) for line in record.outcome.lines]
    measured = "; ".join(
        [*told_lines, *(f"**not measured: {each}**" for each in record.outcome.not_measured)]
    )
    controls = "; ".join(_marked(control.told(), control.failed) for control in record.outcome.controls)
    length = "" if record.full_length else " (short)"
    return f"{told}| {measured} | {controls} | {record.machine.measured}{length} |"


def _marked(text: str, as_meant: bool) -> str:
    return text if as_meant else f"**{text}**"
