"""Clients as there are some: they send nonsense, reset the connection, stop in the middle of a request."""

import socket
import struct
import threading
import time
from collections import deque
from itertools import cycle

from trials.bad_requests import bad_requests, phone
from trials.raw_http import Exchange, ask, posted

MOST_HALF_SENT = 10

_LARGE = 100_000
"""Bytes from which a bad request is left out: sending it is the work then."""


def ask_oddly(port: int, stop: threading.Event, per_second: float) -> dict[str, int]:
    """Until told to stop, of each twelve send ten invalid, one reset and one half; count them."""
    invalid = cycle(invalid_requests())
    good = posted("/predict", phone())
    counts = {"invalid": 0, "reset": 0, "half sent": 0, "wrong": 0}
    open_ones: deque[socket.socket] = deque()
    for number in cycle(range(12)):
        if stop.wait(1 / per_second):
            break
        if number == 0:
            _reset(port, good)
            counts["reset"] += 1
        elif number == 1:
            open_ones.append(_half_sent(port, good))
            counts["half sent"] += 1
        else:
            exchange = next(invalid)
            counts["wrong"] += ask(port, exchange.sent).status not in exchange.right
            counts["invalid"] += 1
        if len(open_ones) > MOST_HALF_SENT:
            open_ones.popleft().close()
    for each in open_ones:
        each.close()
    return counts


def invalid_requests() -> list[Exchange]:
    """Return bad requests that are small enough for sending not to be the work."""
    return [each for each in bad_requests() if isinstance(each.sent, bytes) and len(each.sent) < _LARGE]


def _reset(port: int, sent: bytes) -> None:
    """Send a request and end the connection with RST, its answer unread."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(sent)
        time.sleep(0.001)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _half_sent(port: int, sent: bytes) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=5)
    connection.sendall(sent[:-20])
    return connection
