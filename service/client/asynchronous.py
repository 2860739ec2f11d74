"""The client for asyncio."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import AbstractAsyncContextManager
from typing import Self, TypeVar

import httpx

from service.client import calls
from service.client.answers import Explanation, Health, ModelInfo, Prediction, WhatIf
from service.client.attempts import Attempts, check_patience
from service.client.calls import PHONES_PER_CALL, Call
from service.client.errors import UnavailableError
from service.client.exchange import (
    Answer,
    checked,
    checked_key,
    checked_url,
    headers_with,
    named_failures,
    way_to,
)
from service.client.phones import AnyPhone
from service.client.received import MAX_ANSWER_BYTES, Received, check_size
from service.client.redaction import Redactor
from service.client.tables import Table

AT_A_TIME = 32
"""Requests under way. Others wait here: httpx would go through all that wait for each that ends, and with a
thousand of them take half a minute."""

Type = TypeVar("Type")


class AsyncPhonePriceClient:
    """Asks a service from an asyncio event loop; all else is as with `PhonePriceClient`.

    Any number of calls may be made at a time; the time in which they wait for others counts.
    """

    def __init__(
        self,
        url: str,
        *,
        api_key: str | None = None,
        timeout: float = 30.0,
        retries: int = 5,
        max_answer_bytes: int = MAX_ANSWER_BYTES,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        check_patience(retries, timeout)
        check_size(max_answer_bytes)
        self._places = asyncio.Semaphore(AT_A_TIME)
        self._retries, self._timeout, self._max_bytes = retries, timeout, max_answer_bytes
        place, key = checked_url(url), checked_key(api_key)
        self._redactor, self._way = Redactor(place, key), way_to(place, proxied=transport is None)
        self._http = httpx.AsyncClient(base_url=place, headers=headers_with(key), transport=transport)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *raised: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def predict(self, phone: AnyPhone) -> Prediction:
        """Say in which price range a phone sells."""
        return await self._ask(calls.predict(phone))

    async def predict_many(
        self, phones: Iterable[AnyPhone], phones_per_call: int = PHONES_PER_CALL
    ) -> list[Prediction]:
        """Say it of many phones, in their order; a call to the service has at most so many of them."""
        asked = calls.predict_many(phones, phones_per_call)
        return [prediction for call in asked for prediction in await self._ask(call)]

    async def predict_table(self, table: Table) -> Table:
        """Say it of the rows of a pandas.DataFrame or a pyarrow.Table, as a table of that kind.

        The 20 columns are found by name, others are ignored. The answer has the columns that
        /predict/batch gives, and the data frame's index; the model's version is in `attrs` of a data frame,
        in `schema.metadata` of a table. What is 0 or 1 may be a column of booleans. Raises
        `InvalidTableError` for a column that cannot be sent.
        """
        # what takes long for a large table is done beside the event loop
        call = await asyncio.to_thread(calls.predict_table, table)
        with self._redactor.failures():
            return await asyncio.to_thread(call.read, await self._answered(call))

    async def explain(self, phone: AnyPhone) -> Explanation:
        """Say what each specification adds to the expected price range of a typical phone."""
        return await self._ask(calls.explain(phone))

    async def what_if(self, phone: AnyPhone) -> WhatIf:
        """Say how the answer follows each specification, and the smallest changes to each other range."""
        return await self._ask(calls.what_if(phone))

    async def health(self) -> Health:
        """Say that the service can predict, asked once; raises `UnavailableError` where it cannot."""
        return await self._ask(calls.health())

    async def model_info(self) -> ModelInfo:
        """Say which model is served."""
        return await self._ask(calls.model_info())

    async def _ask(self, call: Call[Type]) -> Type:
        with self._redactor.failures():
            return call.read(await self._answered(call))

    async def _answered(self, call: Call[Type]) -> Answer:
        attempts = Attempts(self._retries if call.repeated else 0, self._timeout)
        while True:
            try:
                return checked(await self._attempt(call, attempts))
            except UnavailableError as error:
                pause = attempts.pause_after(error)
            await asyncio.sleep(pause)

    async def _attempt(self, call: Call[Type], attempts: Attempts) -> Answer:
        left = attempts.left()
        headers = call.headers_for(left)
        try:
            with named_failures(self._way):
                async with asyncio.timeout(left), self._places, self._sent(call, headers) as response:
                    received = Received(response, self._max_bytes)
                    async for part in response.aiter_raw():
                        received.add(part)
                    return received.answer()
        except TimeoutError:
            raise attempts.too_late() from None

    def _sent(self, call: Call[Type], headers: dict[str, str]) -> AbstractAsyncContextManager[httpx.Response]:
        content = call.content if isinstance(call.content, bytes) else _later(call.content)
        return self._http.stream(call.method, call.path, content=content, headers=headers, timeout=None)


async def _later(content: Iterable[bytes]) -> AsyncIterator[bytes]:
    for part in content:
        yield part
