"""SIGTERM: not ready from now on, so that a load balancer sends no more; then the last answers, then the end.

A balancer takes some seconds to notice. Until then requests still come, and they are answered.
"""

import asyncio
import logging
import signal
import threading
from types import FrameType

from service.telemetry.logs import LOGGER

log = logging.getLogger(LOGGER)


class Drain:
    """Comes before the server's own handler of SIGTERM, and hands over to it after `seconds`."""

    def __init__(self, seconds: float) -> None:
        self.begun = False
        self._seconds = seconds

    def listen(self) -> None:
        """Begin when SIGTERM comes; a second one ends the waiting. To be called in the running event loop."""
        loop = asyncio.get_running_loop()
        server = signal.getsignal(signal.SIGTERM)
        if not callable(server) or threading.current_thread() is not threading.main_thread():
            return  # without a server, or as a part of another program, there is nothing to come before

        def stop(number: int, frame: FrameType | None) -> None:
            if self.begun or not self._seconds:
                self.begun = True
                server(number, frame)
                return
            self.begun = True
            log.info("stopping in %g s: not ready from now on", self._seconds)
            loop.call_soon_threadsafe(loop.call_later, self._seconds, server, number, frame)

        signal.signal(signal.SIGTERM, stop)
