"""compare: recipes side by side."""

from pathlib import Path
from typing import Annotated

import typer

from training.commands.copies import print_copies
from training.commands.terminal import (
    DataOption,
    JsonOption,
    check_writable,
    console,
    failures_as_messages,
    table,
    write_figures,
    write_whole,
)
from training.recipe import Recipe, shipped_names


def compare(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[RECIPE]...", help="Names, or paths of .toml files. Default: all shipped."),
    ] = None,
    data: DataOption = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the table in Markdown and the ladder as a picture.")
    ] = None,
    json: JsonOption = None,
) -> None:
    """Train recipes and set them side by side; no bundle is written."""
    with failures_as_messages("nothing was written"):
        recipes = [Recipe.load(name) for name in names or shipped_names()]
        if out is not None:
            check_writable(out / "comparison.md", out / "comparison.png")
        check_writable(json)

        from training.comparison import contend, ranked
        from training.comparison_report import HEADINGS, cells, draw_ladder, to_markdown
        from training.dataset import default_path, read_dataset
        from training.progress import counting

        dataset = read_dataset(data or default_path())
        print_copies(dataset.phones.copies)
        with counting(console, "recipes", len(recipes)) as (count, tell):
            contenders = []
            for recipe in recipes:
                tell(recipe.name)
                contenders.append(contend(recipe, dataset.phones))
                count()
        ladder = ranked(contenders)
        shown = table(*HEADINGS)
        for contender in ladder:
            shown.add_row(*cells(contender))
        console.print(shown)
        if out is not None:
            write_whole(out / "comparison.md", to_markdown(ladder).encode())
            write_whole(out / "comparison.png", draw_ladder(ladder))
            console.print(f"{out / 'comparison.md'} and {out / 'comparison.png'} written")
        write_figures(json, ladder)
