"""Asking a service by either client, and by plain HTTP."""

import asyncio
from collections.abc import Callable
from typing import Any, TypeAlias

import httpx

from contract.phone import EXAMPLE
from service.client import (
    AsyncPhonePriceClient,
    Phone,
    PhonePriceClient,
)
from training.made_up import PUBLISHED_RANGES, make_up_phones

TABLE = make_up_phones(50, PUBLISHED_RANGES, seed=11)
PHONES = [Phone.model_validate(row) for row in TABLE.to_dict("records")]
PHONE = Phone(**EXAMPLE)
KEY = "0123456789abcdef0123456789abcdef"

Ask: TypeAlias = Callable[..., Any]
"""Makes a client of a url and asks it once."""


def blocking(url: object, question: Callable[[Any], Any], **options: Any) -> Any:
    with PhonePriceClient(str(url), **options) as client:
        return question(client)


def in_a_loop(url: object, question: Callable[[Any], Any], **options: Any) -> Any:
    async def ask() -> Any:
        async with AsyncPhonePriceClient(str(url), **options) as client:
            return await question(client)

    return asyncio.run(ask())


def plainly(service: httpx.Client, path: str, phone: Phone = PHONE) -> dict[str, Any]:
    """The answer as a plain HTTP client gets it."""
    answer: dict[str, Any] = service.post(path, json=phone.model_dump()).raise_for_status().json()
    return answer


def predict(client: Any) -> Any:
    return client.predict(PHONE)
