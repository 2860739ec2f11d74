"""What many tests stand on: the real data, a tiny real bundle, a running service."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.absent import say_absent
from tests.running_service import ARTIFACTS, running_service
from training.made_up import make_sample
from training.pipeline import train
from training.recipe import Recipe

# a shell that starts these tests in the background has them ignore Ctrl-C, and with them all that they start
signal.signal(signal.SIGINT, signal.default_int_handler)

TINY_RECIPE = """
description = "As small as a network can be and still learn something."
seed = 7
epochs = 3
batch_size = 16
[network]
hidden_layers = [8]
activation = "relu"
[optimizer]
name = "adam"
learning_rate = 1e-2
[split]
held_out = 0.25
random_state = 1
stratified = true
"""


def _given(path: Path) -> Path:
    if not path.is_file():
        say_absent(f"the real data is not shipped, and {path} is not there: set PHONE_PRICE_DATA")
    return path


@pytest.fixture(scope="session")
def real_table() -> Path:
    return _given(Path(os.environ.get("PHONE_PRICE_DATA", "data/phones.csv")))


@pytest.fixture(scope="session")
def unlabelled_table(real_table: Path) -> Path:
    return _given(real_table.with_name("phones_unlabelled.csv"))


@pytest.fixture(scope="session")
def sample_table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "sample.csv"
    make_sample(rows=240, seed=3).to_csv(path, index=False)
    return path


@pytest.fixture(scope="session")
def tiny_recipe(tmp_path_factory: pytest.TempPathFactory) -> Recipe:
    path = tmp_path_factory.mktemp("recipes") / "tiny.toml"
    path.write_text(TINY_RECIPE)
    return Recipe.load(str(path))


@pytest.fixture(scope="session")
def tiny_artifacts(tmp_path_factory: pytest.TempPathFactory, tiny_recipe: Recipe, sample_table: Path) -> Path:
    """A folder with one trained bundle; tests that change it work on a copy."""
    artifacts = tmp_path_factory.mktemp("artifacts")
    train(tiny_recipe, sample_table, artifacts, watch=lambda _: None)
    return artifacts


@pytest.fixture(scope="session")
def service() -> Iterator[httpx.Client]:
    """A client of a real process that serves the committed bundle."""
    with running_service(ARTIFACTS) as running:
        yield running.client
