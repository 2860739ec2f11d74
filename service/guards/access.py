"""Without a key nobody gets further than the health of the service."""

from starlette.types import ASGIApp, Receive, Scope, Send

from service.errors import refusal
from service.guards.keys import Keyring

HEALTH = frozenset({"/health", "/health/live", "/health/ready"})

METRICS = frozenset({"/metrics"})

ALIVE = frozenset({"/"})


class RequireKey:
    """ASGI middleware: 401 for every path but the open ones, whether it exists or not."""

    def __init__(self, app: ASGIApp, keyring: Keyring, open_paths: frozenset[str]) -> None:
        self.app = app
        self.keyring = keyring
        self.open_paths = open_paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        admitted = scope["type"] != "http" or scope["path"] in self.open_paths or self.keyring.admits(scope)
        await (self.app if admitted else _refused)(scope, receive, send)


_refused = refusal(
    401,
    "A key is needed: send a valid one, as X-API-Key or as Authorization: Bearer",
    {"WWW-Authenticate": "Bearer"},
)
