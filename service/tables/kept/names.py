"""Names for kept columns among those of the answer."""

from collections import Counter
from collections.abc import Sequence

from contract.table import refusal


def free_names(names: Sequence[str], taken: frozenset[str]) -> list[str]:
    """Return kept columns' names, another for each that the answer has taken; all stay apart.

    A labelled table has `price_range`, which the answer has, too; one scored before has all of its columns.
    """
    given = Counter(names)
    if len(given) < len(names):
        twice = next(name for name, count in given.items() if count > 1)
        what = (
            f"Column {twice} is there twice; rename one"
            if twice.strip()
            else "Two columns have no name; name one"
        )
        raise refusal("repeated_column", (twice,), f"{what} to keep both")
    apart = set(taken)
    found: list[str] = []
    for name in given:
        free = name
        while free in apart or (free != name and free in given):
            free += "_given"
        apart.add(free)
        found.append(free)
    return found
