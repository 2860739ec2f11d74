"""The connection of a request, beyond what ASGI says of it: its end at once, and whether its client has gone.

To return or raise is to close, which first waits until the client has read what was written. A client that
sends all before it reads would send to a server that listens no more. And `receive` tells that a client has
gone only to those who wait for it, not to those who compute.
"""

from typing import Protocol

from starlette.requests import ClientDisconnect
from starlette.types import Scope

EXTENSION = "phone_price.connection"
"""Of ASGI, by this service's own protocol: a `Connection`."""


class Connection(Protocol):
    """What the server knows of the connection whose request is being answered."""

    def reset(self) -> None:
        """End it at once, whatever its client is doing."""

    def is_left(self) -> bool:
        """Whether the client has gone."""


def _of(scope: Scope) -> Connection | None:
    """Return the connection, or None where the server tells nothing of it."""
    connection: Connection | None = scope.get("extensions", {}).get(EXTENSION)
    return connection


def break_off(scope: Scope) -> None:
    """Reset the connection, and raise `ClientDisconnect`; return where the server knows no way to do so."""
    connection = _of(scope)
    if connection:
        connection.reset()
        raise ClientDisconnect


def stop_if_left(scope: Scope) -> None:
    """Raise `ClientDisconnect` if the client has gone, as far as the server tells."""
    connection = _of(scope)
    if connection and connection.is_left():
        raise ClientDisconnect
