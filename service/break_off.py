"""The end of a connection amid an answer, at once and whatever its client is doing.

To return or raise is to close, which first waits until the client has read what was written. A client that
sends all before it reads would send to a server that listens no more.
"""

from starlette.requests import ClientDisconnect
from starlette.types import Scope

EXTENSION = "phone_price.break_off"
"""Of ASGI, by this service's own protocol: what resets the connection of a request."""


def break_off(scope: Scope) -> None:
    """Reset the connection, and raise `ClientDisconnect`; return where the server knows no way to do so."""
    reset = scope.get("extensions", {}).get(EXTENSION)
    if reset:
        reset()
        raise ClientDisconnect
