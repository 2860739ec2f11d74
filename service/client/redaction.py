"""Errors without secrets and control characters, of bounded length, without the exceptions they came from.

The server writes part of an exception's text, and may echo the request in it.
"""

from base64 import b64encode
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice

import httpx

from contract.table import REPORTED_VIOLATIONS
from contract.violation import Location, Violation
from service.client.errors import RefusalError, ServiceError

MAX_TEXT = 1_000
"""Characters of an exception's text."""

MAX_MESSAGE = 300
"""Characters of one violation's message: what the service itself allows."""

MAX_NAME = 64
"""Characters of a violation's type, and of each part of its place."""

MAX_PARTS = 8
"""Of a place."""

HIDDEN = "(secret)"


class Redactor:
    """Cleans errors of a request's secrets: the key, and the name and password of a url as they are sent."""

    def __init__(self, url: httpx.URL, key: str) -> None:
        pair = b64encode(f"{url.username}:{url.password}".encode()).decode() if url.userinfo else ""
        self._secrets = [secret for secret in (key, repr(key)[1:-1], pair) if secret]

    @contextmanager
    def failures(self) -> Iterator[None]:
        """Let a `ServiceError` pass, cleaned, and without the exceptions that it came from."""
        try:
            yield
        except ServiceError as error:
            error.args = (self._clean(str(error), MAX_TEXT),)
            if isinstance(error, RefusalError):
                error.violations = tuple(self._violations(error.violations))
            error.__cause__ = error.__context__ = None  # those of httpx hold the request
            raise

    def _violations(self, found: Iterable[Violation]) -> Iterator[Violation]:
        for each in islice(found, REPORTED_VIOLATIONS):
            kind, msg = self._clean(each.type, MAX_NAME), self._clean(each.msg, MAX_MESSAGE)
            yield replace(each, type=kind, loc=self._place(each.loc), msg=msg)

    def _place(self, loc: Location) -> Location:
        return tuple(
            self._clean(part, MAX_NAME) if isinstance(part, str) else part for part in loc[:MAX_PARTS]
        )

    def _clean(self, text: str, most: int) -> str:
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        text = "".join(each if each.isprintable() else "�" for each in text[: most + 1])
        return text if len(text) <= most else f"{text[: most - 1]}…"
