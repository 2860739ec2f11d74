"""Who asks, where, and with how much patience."""

import pickle
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from service.client import (
    RefusalError,
    ServiceError,
)
from tests.running_service import ARTIFACTS, free_port, running_service
from tests.service.client.asking import KEY, PHONE, Ask


@pytest.fixture(scope="module")
def locked() -> Iterator[httpx.Client]:
    with running_service(ARTIFACTS, PHONE_PRICE_API_KEYS=KEY) as running:
        yield running.client


def test_a_key_is_sent_and_never_told(
    ask: Ask, locked: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def predicts(client: Any) -> Any:
        assert KEY not in repr(client)
        return client.predict(PHONE)

    for none in (None, ""):
        with pytest.raises(RefusalError, match="A key is needed") as raised:
            ask(locked.base_url, predicts, api_key=none)
        assert raised.value.status == 401
    assert ask(locked.base_url, predicts, api_key=f" {KEY}\n").label == "high"
    monkeypatch.setenv("PHONE_PRICE_API_KEY", KEY)
    assert ask(locked.base_url, predicts).label == "high"
    with pytest.raises(RefusalError):
        ask(locked.base_url, predicts, api_key="")
    for url in (f"http://127.0.0.1:{free_port()}", str(locked.base_url) + "/elsewhere"):
        with pytest.raises(ServiceError) as failed:
            ask(url, predicts, retries=0)
        assert KEY not in repr(failed.value) + str(failed.value)


@pytest.mark.parametrize("key", [f"{KEY}\r\nX-Evil: 1", f"{KEY}é", f"{KEY}\0"])
def test_a_key_that_no_header_can_hold_is_refused_untold(ask: Ask, key: str) -> None:
    with pytest.raises(ValueError, match="api_key") as raised:
        ask("http://127.0.0.1:1", lambda client: client.health(), api_key=key)
    assert KEY not in repr(raised.value)


@pytest.mark.parametrize("url", ["", "127.0.0.1:8000", "ftp://me:hidden@there", "http://", "http://a\n"])
def test_a_url_that_leads_nowhere_is_refused_untold(ask: Ask, url: str) -> None:
    with pytest.raises(ValueError, match="url must be") as raised:
        ask(url, lambda client: client.health())
    assert "hidden" not in str(raised.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("timeout", 0),
        ("timeout", 601),
        ("timeout", float("nan")),
        ("timeout", None),
        ("retries", -1),
        ("retries", None),
    ],
)
def test_a_patience_that_cannot_be_is_refused(ask: Ask, name: str, value: float) -> None:
    with pytest.raises(ValueError, match=name):
        ask("http://127.0.0.1:1", lambda client: client.health(), **{name: value})


def test_what_the_service_alone_refuses_is_told_with_its_place(ask: Ask, service: httpx.Client) -> None:
    wrong = PHONE.model_copy(update={"ram": -1.0, "wifi": 7.0})  # which pydantic does not look at
    with pytest.raises(RefusalError, match="ram must be a whole number") as raised:
        ask(service.base_url, lambda client: client.predict(wrong))
    assert [each.loc for each in raised.value.violations] == [("body", "ram"), ("body", "wifi")]
    assert raised.value.status == 422
    again = pickle.loads(pickle.dumps(raised.value))  # noqa: S301 - its own
    assert (str(again), again.status, again.violations) == (
        str(raised.value),
        raised.value.status,
        raised.value.violations,
    )
