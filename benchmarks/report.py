"""What a benchmark says: the same tables on the terminal and as Markdown, with the machine above them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel
from rich.console import Console
from rich.table import Table

from benchmarks.machine import Machine


@dataclass(frozen=True)
class Section:
    """A table, its title and a remark below it."""

    title: str
    header: list[str]
    rows: list[list[str]]
    remark: str = ""


def show(machine: Machine, sections: Sequence[Section]) -> None:
    """Print the tables."""
    console = Console(highlight=False)
    console.print(machine.line(), markup=False)
    for section in sections:
        table = Table(*section.header, title=section.title, title_justify="left")
        for column in table.columns[1:]:
            column.justify = "right"
        for row in section.rows:
            table.add_row(*row)
        console.print(table)
        console.print(section.remark, markup=False, end="\n\n" if section.remark else "\n")


def markdown(machine: Machine, sections: Sequence[Section]) -> str:
    """Return the tables as Markdown."""
    parts = [f"Measured {machine.line()}."]
    for section in sections:
        rows = [section.header, ["---", *["---:"] * (len(section.header) - 1)], *section.rows]
        table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
        parts += [f"**{section.title}**", table, *([section.remark] if section.remark else [])]
    return "\n\n".join(parts) + "\n"


class MeasuredHere(BaseModel):
    """What a benchmark found, and on which machine."""

    machine: Machine


def tell(
    figures: MeasuredHere, sections: Sequence[Section], json: Path | None, markdown_file: Path | None
) -> None:
    """Print the tables; write the figures and the tables to the files that are wanted."""
    show(figures.machine, sections)
    if json is not None:
        json.write_text(figures.model_dump_json(indent=2) + "\n")
    if markdown_file is not None:
        markdown_file.write_text(markdown(figures.machine, sections))
