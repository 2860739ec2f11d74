"""The client that waits for its answers."""

import time
from collections.abc import Iterable, Iterator
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

Type = TypeVar("Type")


class PhonePriceClient:
    """Asks a service, from any number of threads.

    `url` is where it is, as http://127.0.0.1:8000. `api_key` is sent as X-API-Key; without one, that of
    the environment's PHONE_PRICE_API_KEY, if it has one. `timeout` is in seconds, for one call to the service
    with all its attempts, up to 600; with each but `predict` it is told to the service, which then stops
    working for it. What fails by 503 or a lost connection is asked for again, up to `retries` times, with
    growing pauses, and not before the service's Retry-After; what would then come too late is not. So is
    what a proxy refuses by 429. Only connecting, a part of the body that goes byte by byte, and a head that
    comes so may take longer than `timeout`.
    `max_answer_bytes` is the most that is held of an answer, unpacked: 512 MiB, which is 17 million rows of a
    table; what is larger is an `AnswerError`. For single phones 1 MiB is enough.
    `transport` replaces the network, for a certificate or an app in the same process; without one, a proxy
    of the environment (HTTP_PROXY) is gone through, and sees the key where the url is not https.

    A phone is a `Phone`, or a dictionary of its 20 specifications.

    Raises `ValueError` for a url, key or timeout that cannot be; every call a `ServiceError`, and before
    anything is sent `InvalidPhoneError` or `TypeError` for what is no phone.
    """

    def __init__(
        self,
        url: str,
        *,
        api_key: str | None = None,
        timeout: float = 30.0,
        retries: int = 5,
        max_answer_bytes: int = MAX_ANSWER_BYTES,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        check_patience(retries, timeout)
        check_size(max_answer_bytes)
        self._retries, self._timeout, self._max_bytes = retries, timeout, max_answer_bytes
        place, key = checked_url(url), checked_key(api_key)
        self._redactor, self._way = Redactor(place, key), way_to(place, proxied=transport is None)
        self._http = httpx.Client(base_url=place, headers=headers_with(key), transport=transport)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def predict(self, phone: AnyPhone) -> Prediction:
        """Say in which price range a phone sells."""
        return self._ask(calls.predict(phone))

    def predict_many(
        self, phones: Iterable[AnyPhone], phones_per_call: int = PHONES_PER_CALL
    ) -> list[Prediction]:
        """Say it of many phones, in their order; a call to the service has at most so many of them."""
        asked = calls.predict_many(phones, phones_per_call)
        return [prediction for call in asked for prediction in self._ask(call)]

    def predict_table(self, table: Table) -> Table:
        """Say it of the rows of a pandas.DataFrame or a pyarrow.Table, as a table of that kind.

        The 20 columns are found by name, others are ignored. The answer has the columns that
        /predict/batch gives, and the data frame's index; the model's version is in `attrs` of a data frame,
        in `schema.metadata` of a table. What is 0 or 1 may be a column of booleans. Raises
        `InvalidTableError` for a column that cannot be sent.
        """
        return self._ask(calls.predict_table(table))

    def explain(self, phone: AnyPhone) -> Explanation:
        """Say what each specification adds to the expected price range of a typical phone."""
        return self._ask(calls.explain(phone))

    def what_if(self, phone: AnyPhone) -> WhatIf:
        """Say how the answer follows each specification, and the smallest changes to each other range."""
        return self._ask(calls.what_if(phone))

    def health(self) -> Health:
        """Say that the service can predict, asked once; raises `UnavailableError` where it cannot."""
        return self._ask(calls.health())

    def model_info(self) -> ModelInfo:
        """Say which model is served."""
        return self._ask(calls.model_info())

    def _ask(self, call: Call[Type]) -> Type:
        attempts = Attempts(self._retries if call.repeated else 0, self._timeout)
        with self._redactor.failures():
            while True:
                try:
                    return call.read(checked(self._attempt(call, attempts)))
                except UnavailableError as error:
                    pause = attempts.pause_after(error)
                time.sleep(pause)

    def _attempt(self, call: Call[Type], attempts: Attempts) -> Answer:
        left = attempts.left()
        body = call.content if isinstance(call.content, bytes) else _in_time(call.content, attempts)
        sent = self._http.stream(
            call.method, call.path, content=body, headers=call.headers_for(left), timeout=left
        )
        with named_failures(self._way), sent as response:
            received = Received(response, self._max_bytes)
            for part in response.iter_raw():
                received.add(part)
                attempts.left()  # the timeout of httpx begins anew with each byte that comes
            return received.answer()


def _in_time(content: Iterable[bytes], attempts: Attempts) -> Iterator[bytes]:
    for part in content:
        attempts.left()  # it also begins anew with each byte that goes
        yield part
