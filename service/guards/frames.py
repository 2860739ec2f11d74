"""No page of the service is shown inside another: its reader could be led to click what he does not see."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class NoFrames:
    """ASGI middleware: HTML says that it is not to be framed, FastAPI's own pages as well."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if headers.get("content-type", "").startswith("text/html"):
                    headers.setdefault("content-security-policy", "frame-ancestors 'none'")
                    headers["x-frame-options"] = "DENY"  # of browsers before 2015
            await send(message)

        await self.app(scope, receive, send_guarded)
