"""Two versions of the model that answer every golden phone differently, to be switched between."""

import shutil
from pathlib import Path
from typing import NamedTuple

from contract.bundle import current_version, switch_current
from trials.service import ARTIFACTS


class Versions(NamedTuple):
    """A folder with versions A, the committed one, and B."""

    artifacts: Path
    a: str
    b: str


def two_versions(folder: Path) -> Versions:
    """Make the folder, and train B in it on made-up phones, in seconds; CURRENT names A."""
    from training.made_up import make_sample
    from training.pipeline import train
    from training.recipe import Recipe

    artifacts = folder / "artifacts"
    table = folder / "sample.csv"
    make_sample(rows=240, seed=3).to_csv(table, index=False)
    train(Recipe.load("seed-baseline"), table, artifacts)
    a, b = current_version(ARTIFACTS), current_version(artifacts)
    shutil.copytree(ARTIFACTS / a, artifacts / a)
    switch_current(artifacts, a)
    return Versions(artifacts, a, b)
