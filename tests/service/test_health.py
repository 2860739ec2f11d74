import httpx
import pytest

from contract.bundle import current_version
from service.app import create_app
from service.settings import Settings
from tests.in_process import ask
from tests.running_service import ARTIFACTS


@pytest.mark.parametrize("path", ["/health", "/health/ready"])
def test_a_service_that_can_predict_says_so(service: httpx.Client, path: str) -> None:
    response = service.get(path)
    assert response.status_code == 200
    assert response.json() == {
        "status": "ok",
        "model_version": current_version(ARTIFACTS),
        "engine": "onnx",
    }


def test_a_living_service_says_so(service: httpx.Client) -> None:
    assert service.get("/health/live").json() == {"status": "alive"}


def test_before_a_model_is_loaded_it_is_alive_but_not_healthy() -> None:
    app = create_app(Settings(artifacts=ARTIFACTS))
    assert ask(app, "GET", "/health/live", started=False).status_code == 200
    for path in ("/health", "/health/ready"):
        response = ask(app, "GET", path, started=False)
        assert response.status_code == 503
        assert response.json()["detail"][0]["msg"].startswith("No model is loaded")
