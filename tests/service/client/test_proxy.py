"""A proxy that the environment names is told of where it fails, and not the service behind it."""

import httpx
import pytest

from service.app import create_app
from service.client import DeadlineError, UnavailableError
from service.settings import Settings
from tests.running_service import free_port
from tests.service.client.asking import Ask, in_a_loop, predict
from tests.service.client.peer import SILENCE, Peer, answer

VARIABLES = ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy")


@pytest.fixture(autouse=True)
def _no_other_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*VARIABLES, "HTTPS_PROXY", "https_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("variable", "scheme"),
    [("http_proxy", "http"), ("https_proxy", "https"), ("ALL_PROXY", "http"), ("all_proxy", "https")],
)
@pytest.mark.parametrize("told", ["http://me:hidden@127.0.0.1:{}", "127.0.0.1:{}"])
def test_a_dead_proxy_is_named(
    ask: Ask, monkeypatch: pytest.MonkeyPatch, variable: str, scheme: str, told: str
) -> None:
    port = free_port()
    monkeypatch.setenv(variable, told.format(port))
    with pytest.raises(UnavailableError, match=f"through the proxy at 127.0.0.1:{port}, which") as raised:
        ask(f"{scheme}://phones.invalid", predict, retries=0)
    assert "the service at phones.invalid" in str(raised.value)
    assert "hidden" not in str(raised.value)


def test_a_proxy_that_refuses_or_is_silent_is_named(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    with Peer(answer(403, b"")) as proxy:
        monkeypatch.setenv("https_proxy", proxy.url)
        with pytest.raises(UnavailableError, match=r"through the proxy at .*: 403"):
            ask("https://phones.invalid", predict, retries=0)
    with Peer(SILENCE) as proxy:
        monkeypatch.setenv("https_proxy", proxy.url)
        with pytest.raises(DeadlineError):
            ask("https://phones.invalid", predict, timeout=0.2)


def test_a_proxy_that_is_not_gone_through_is_not_named(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
    for without in ("127.0.0.1", "*"):
        monkeypatch.setenv("no_proxy", without)
        with pytest.raises(UnavailableError) as raised:
            ask(f"http://127.0.0.1:{free_port()}", predict, retries=0)
        assert "proxy" not in str(raised.value)


def test_with_a_transport_no_proxy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
    transport = httpx.ASGITransport(create_app(Settings()), raise_app_exceptions=False)
    with pytest.raises(UnavailableError) as raised:
        in_a_loop("http://in-process", predict, retries=0, transport=transport)
    assert "proxy" not in str(raised.value)
