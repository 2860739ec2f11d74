"""A word on the terminal about rows that a table holds more than once."""

from training.commands.terminal import console
from training.copies import Copies


def print_copies(found: Copies) -> None:
    """Print a line if there are copies; it says how many, and how many of them contradict."""
    if not found.copies:
        return
    contradiction = (
        f"; {found.contradictions} of them have another price range than the first: correct the table"
        if found.contradictions
        else ""
    )
    console.print(
        f"{found.copies} of {found.rows} rows are copies of others (same 20 specifications), and are learnt "
        f"from or measured on together with them{contradiction}"
    )
