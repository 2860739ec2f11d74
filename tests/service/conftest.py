"""What tests of the fast path and of the dialects' short cuts stand on."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack

import pytest

from tests.service.two_paths import TwoPaths, started


@pytest.fixture(scope="module")
def both() -> Iterator[TwoPaths]:
    stack = AsyncExitStack()
    with asyncio.Runner() as runner:
        yield runner.run(started(stack))
        runner.run(stack.aclose())
