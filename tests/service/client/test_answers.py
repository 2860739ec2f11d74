"""What the client answers is what plain HTTP gets."""

import asyncio
import json
import subprocess
import sys
from typing import Any

import httpx
import msgspec
import pytest
from pydantic import ValidationError

from contract.phone import EXAMPLE, FEATURES
from service.app import create_app
from service.client import (
    AsyncPhonePriceClient,
    Phone,
    Prediction,
    PriceRange,
)
from service.client.asynchronous import AT_A_TIME
from tests.running_service import free_port
from tests.service.client.asking import PHONE, PHONES, Ask, blocking, in_a_loop, plainly


def test_importing_it_imports_nothing_that_serves_or_reads_tables() -> None:
    code = "import sys, service.client; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    imported = set(done.stdout.split())
    assert "httpx" in imported
    assert not imported & {"fastapi", "starlette", "uvicorn", "onnxruntime", "pandas", "pyarrow", "torch"}


def test_a_prediction_is_what_plain_http_gets(ask: Ask, service: httpx.Client) -> None:
    unusual = Phone(**EXAMPLE | {"ram": 8_192, "four_g": 1, "three_g": 0})
    for phone in [*PHONES[:10], unusual]:
        prediction = ask(service.base_url, lambda client, phone=phone: client.predict(phone))
        assert as_told(prediction) == completed(plainly(service, "/predict", phone))


def as_told(answer: object) -> Any:
    """What was answered, as plain JSON has it."""
    return json.loads(msgspec.json.encode(answer))


def completed(answer: Any) -> Any:
    """Say of each warning that it has no tail_probability, where it has none."""
    if isinstance(answer, list):
        return [completed(each) for each in answer]
    if isinstance(answer, dict):
        told = {name: completed(value) for name, value in answer.items()}
        return {"tail_probability": None} | told if "message" in told else told
    return answer


def test_a_prediction_is_typed_and_cannot_be_changed(service: httpx.Client) -> None:
    prediction: Prediction = blocking(service.base_url, lambda client: client.predict(PHONE))
    assert prediction.price_range is PriceRange.HIGH
    assert prediction.prediction_set == (PriceRange.HIGH,)
    assert isinstance(prediction.probabilities, tuple)
    with pytest.raises(AttributeError):
        prediction.label = "low"  # type: ignore[misc]


@pytest.mark.parametrize("question", ["explain", "what_if"])
def test_reasons_and_changes_are_what_plain_http_gets(ask: Ask, service: httpx.Client, question: str) -> None:
    answer = ask(service.base_url, lambda client: getattr(client, question)(PHONE))
    plain = plainly(service, "/" + question.replace("_", "-"))
    assert as_told(answer) == completed(plain)


def test_health_and_model_are_what_plain_http_gets(ask: Ask, service: httpx.Client) -> None:
    health = ask(service.base_url, lambda client: client.health())
    plain = service.get("/health").json()
    assert (health.model_version, health.engine, health.refused) == (
        plain["model_version"],
        plain["engine"],
        None,
    )
    told = as_told(ask(service.base_url, lambda client: client.model_info()))
    plain = service.get("/model-info").json()
    assert told == {name: value for name, value in plain.items() if name != "classes"}
    assert [each["name"] for each in told["features"]] == list(FEATURES)


class CountingTransport(httpx.HTTPTransport):
    """The network, and how often it was used."""

    requests = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.requests += 1
        return super().handle_request(request)


def test_many_phones_are_cut_into_calls_and_keep_their_order(service: httpx.Client) -> None:
    transport = CountingTransport()
    many = blocking(service.base_url, lambda client: client.predict_many(PHONES, 7), transport=transport)
    assert transport.requests == 8
    check_predictions(service, many)


def check_predictions(service: httpx.Client, predictions: list[Prediction]) -> None:
    for prediction, phone in zip(predictions, PHONES, strict=True):
        plain = plainly(service, "/predict", phone)
        assert prediction.price_range == plain["price_range"]
        assert prediction.probabilities == pytest.approx(plain["probabilities"], abs=1e-6)
        assert prediction.expected_range == pytest.approx(plain["expected_range"], abs=1e-6)
        assert prediction.model_version == plain["model_version"]


def test_more_phones_than_the_service_takes_at_once_are_answered(ask: Ask, service: httpx.Client) -> None:
    many = ask(service.base_url, lambda client: client.predict_many(iter([*PHONES, *[PHONE] * 9_951])))
    assert len(many) == 10_001
    check_predictions(service, many[:50])


class CrowdedTransport(httpx.AsyncHTTPTransport):
    """The network, and how many requests were under way at most."""

    under_way = most = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            return await super().handle_async_request(request)
        finally:
            self.under_way -= 1


def test_any_number_may_ask_at_a_time_and_most_wait_where_that_is_cheap(service: httpx.Client) -> None:
    transport = CrowdedTransport()

    def question(client: AsyncPhonePriceClient) -> Any:
        return asyncio.gather(*(client.predict(phone) for phone in PHONES * 4))

    answers = in_a_loop(service.base_url, question, transport=transport)
    assert transport.most == AT_A_TIME
    check_predictions(service, answers[:50])
    labels = [each.label for each in answers]
    assert labels == labels[:50] * 4


def test_no_phones_are_answered_without_asking(ask: Ask) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    assert ask(nobody, lambda client: client.predict_many([]), retries=0) == []


def test_none_at_a_time_cannot_be_asked(ask: Ask, service: httpx.Client) -> None:
    for none in (0, -1):
        with pytest.raises(ValueError, match="phones_per_call"):
            ask(service.base_url, lambda client, none=none: client.predict_many(PHONES, none))


def test_a_wrong_phone_is_refused_before_anything_is_sent() -> None:
    with pytest.raises(ValidationError, match="ram"):
        Phone(**EXAMPLE | {"ram": -1})


def test_an_app_in_the_same_process_can_be_asked() -> None:
    async def asked() -> Prediction:
        app = create_app()
        async with app.router.lifespan_context(app) as state:

            async def with_state(scope: Any, receive: Any, send: Any) -> None:
                await app(dict(scope) | {"state": dict(state or {})}, receive, send)

            transport = httpx.ASGITransport(with_state)
            async with AsyncPhonePriceClient("http://in-process", transport=transport) as client:
                return await client.predict(PHONE)

    assert asyncio.run(asked()).label == "high"
