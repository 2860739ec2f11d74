"""What no request can bring about on purpose: the service's own mistakes."""

import pytest

from contract.errors import EngineError
from contract.phone import EXAMPLE
from service.app import create_app
from service.predictor import Predictor
from service.settings import Settings
from tests.in_process import ask
from tests.running_service import ARTIFACTS


@pytest.mark.parametrize("error", [EngineError("/secret/path"), ValueError("/secret/path"), KeyError("ram")])
def test_a_mistake_of_the_service_is_a_500_that_tells_nothing(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(Predictor, "predict", fail)
    response = ask(create_app(Settings(artifacts=ARTIFACTS)), "POST", "/predict", json=EXAMPLE)
    assert response.status_code == 500
    assert response.json() == {
        "detail": [{"type": "internal_error", "loc": [], "msg": "The service failed; its log says why"}]
    }
