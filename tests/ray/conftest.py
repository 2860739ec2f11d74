"""What the tests of Ray stand on: a cluster for all of them. Who breaks one starts one of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ray.cluster import Cluster, running_cluster


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker("ray")


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    with running_cluster() as running:
        yield running
