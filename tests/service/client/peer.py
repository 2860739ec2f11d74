"""A real peer that misbehaves as it is told."""

import socket
import struct
import threading
from contextlib import suppress

SILENCE, RESET, DRIP = b"silence", b"reset", b"drip"


class Peer:
    """Listens, gives each request the next of `turns`, and closes the connection."""

    def __init__(self, *turns: bytes) -> None:
        self.requests: list[bytes] = []
        self._turns = turns
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> "Peer":
        self._thread.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._ended.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        for turn in self._turns:
            try:
                connection = self._listener.accept()[0]
            except OSError:
                return
            with connection, suppress(OSError):
                self.requests.append(received(connection))
                self._answer(connection, turn)

    def _answer(self, connection: socket.socket, turn: bytes) -> None:
        if turn == SILENCE:
            self._ended.wait()
        elif turn == RESET:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif turn == DRIP:
            connection.sendall(answer(200, b"", length=10_000))
            while not self._ended.wait(0.02):
                connection.sendall(b" ")
        else:
            connection.sendall(turn)
            connection.shutdown(socket.SHUT_WR)
            connection.recv(1)  # until the client has closed too, so that nothing is reset


def received(connection: socket.socket) -> bytes:
    """Read a request to its end."""
    content = b""
    while True:
        head, blank, body = content.partition(b"\r\n\r\n")
        if blank:
            lengths = [line[16:] for line in head.split(b"\r\n") if line.startswith(b"Content-Length:")]
            chunked = b"chunked" in head and not body.endswith(b"0\r\n\r\n")
            if not chunked and (not lengths or len(body) >= int(lengths[0])):
                return content
        if not (part := connection.recv(65_536)):
            raise ConnectionError
        content += part


def answer(status: int, body: bytes, *headers: str, length: int | None = None) -> bytes:
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body) if length is None else length}", *headers]
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode() + body


HTML = "Content-Type: text/html"
BUSY = answer(503, b'{"detail":[{"type":"x","loc":[],"msg":"Too much to do"}]}', "Retry-After: 0")
