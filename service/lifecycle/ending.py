"""The end of a server: what was sent before it is answered, even where the process was too busy to take it.

uvicorn closes the listening socket first. Connections that the kernel has made and no process has accepted
are then reset, with the requests sent on them.
"""

import asyncio
from collections.abc import Iterator
from contextlib import closing
from importlib import import_module
from socket import socket

import uvicorn

TURNS = 3
"""Of the event loop, until a connection that was accepted in its last one is among the server's."""


class Server(uvicorn.Server):
    """uvicorn's, which takes the connections that wait before it closes."""

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        """Take no new connection from now on, and end once the last answer is given."""
        listeners = [listener for server in self.servers for listener in server.sockets]
        waiting = [
            connection for listener in listeners for connection in _accepted(listener, self.config.backlog)
        ]
        for server in self.servers:
            server.close()
        loop = asyncio.get_running_loop()
        for connection in waiting:
            await loop.connect_accepted_socket(self._protocol, connection, ssl=self.config.ssl)
        for _ in range(TURNS):
            await asyncio.sleep(0)
        await super().shutdown(sockets)

    def _protocol(self) -> asyncio.Protocol:
        return self.config.http_protocol_class(  # type: ignore[call-arg]
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )


def _accepted(listener: socket, most: int) -> Iterator[socket]:
    """Accept what waits, without waiting."""
    with closing(listener.dup()) as taking:  # the loop's own is not to be touched
        taking.setblocking(False)
        for _ in range(most):
            try:
                connection, _ = taking.accept()
            except OSError:  # nothing is left, or no descriptor is free
                return
            connection.setblocking(False)
            yield connection


def end_gently() -> None:
    """Have uvicorn serve so, as it takes no other class by a setting."""
    # to mypy it is a type, which is not assigned to
    setattr(import_module("uvicorn.main"), "Server", Server)  # noqa: B010
