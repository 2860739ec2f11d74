"""What the tests of Ray stand on: a cluster for all of them. Who breaks one starts one of its own."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ray.cluster import Cluster, running_cluster

os.environ.setdefault("RAY_AUTH_MODE", "disabled")  # else a key that some cluster left at home is asked for


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker("ray")


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    with running_cluster() as running:
        yield running
