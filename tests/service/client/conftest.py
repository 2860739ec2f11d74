"""What all tests of the client stand on."""

import httpx
import pytest

from contract.phone import EXAMPLE
from tests.service.client.asking import Ask, blocking, in_a_loop
from tests.service.client.peer import answer


@pytest.fixture(params=[blocking, in_a_loop], ids=["blocking", "asyncio"])
def ask(request: pytest.FixtureRequest) -> Ask:
    asks: Ask = request.param
    return asks


@pytest.fixture(scope="module")
def good(service: httpx.Client) -> bytes:
    """The service's own answer to `PHONE`."""
    return answer(200, service.post("/predict", json=EXAMPLE).content, "Content-Type: application/json")
