"""The supervisor of several workers: replaces those that end, gives up those that cannot start.

uvicorn's asks each worker for a sign of life, and waits. It holds the worker's end of the pipe open as well:
where the worker is killed before it answers, the pipe never ends, and the supervisor waits to the last second
for a dead process, and replaces no other meanwhile. It starts a worker that cannot start again and
again, and holds the port open while the last answers are given.
"""

import logging
import signal
import time
from importlib import import_module
from socket import socket
from typing import cast

from uvicorn import Config
from uvicorn.supervisors import multiprocess

from contract.errors import WorkerError
from service.lifecycle.ending import Server
from service.telemetry.logs import LOGGER
from service.telemetry.shared_metrics import shared_counter

PAUSES = (0.0, 0.0, 1.0, 2.0, 4.0, 8.0)
"""Seconds before the next start, by the failed starts in a row so far: the first may be chance."""

MAX_FAILED_STARTS = len(PAUSES)
"""In a row, of a worker and those in its place; then the service ends."""

log = logging.getLogger(LOGGER)


class Worker(multiprocess.Process):
    """uvicorn's, whose end of the pipe is its own, and which is known to have been ready or not."""

    def __init__(self, config: Config, sockets: list[socket]) -> None:
        super().__init__(config, sockets)
        self.failed_starts = 0  # in its place, since the last worker there that was ready
        self.was_ready = False
        self.successor_at: float | None = None  # by `time.monotonic`, once its end is known

    @property
    def server(self) -> Server:
        """The server in the process that was started; the supervisor has none."""
        self._server = self._server or Server(config=self.config)
        return cast(Server, self._server)

    def start(self) -> None:
        """Start it, which hands the end of the pipe over, and let go of it here."""
        super().start()
        self.child_conn.close()

    def _healthcheck(self, timeout: float) -> bool | None:
        started = super()._healthcheck(timeout)
        if started:
            self.was_ready = True
            self.failed_starts = 0
        return started


class Supervisor(multiprocess.Multiprocess):
    """uvicorn's, which looks after its workers twice a second."""

    def __init__(self, config: Config, sockets: list[socket]) -> None:
        super().__init__(config, sockets)
        self._workers = cast(list[Worker], self.processes)
        self._failure: WorkerError | None = None
        self._count_restart = shared_counter(
            "phone_price_worker_restarts", "Workers that were started in place of one that had ended"
        )

    def run(self) -> None:
        """Keep the workers running until told to end. Raises `WorkerError` where one cannot be started."""
        super().run()
        if self._failure:
            raise self._failure

    def terminate_all(self) -> None:
        """Let go of the port, so that it is closed once no worker listens any more; tell them to end."""
        for each in self.sockets:
            each.close()
        super().terminate_all()

    def keep_subprocess_alive(self) -> None:
        """Replace each worker that has ended or stands still."""
        for place, worker in enumerate(self._workers):
            if self.should_exit.is_set() or self.signal_queue:
                return  # it may have ended because all are to
            if worker.successor_at is None and not worker.is_alive(self.config.timeout_worker_healthcheck):
                self._plan_successor(worker, self._end_of(worker), failed_start=not worker.was_ready)
            if worker.successor_at is not None and time.monotonic() >= worker.successor_at:
                self._replace(place, worker)

    def _end_of(self, worker: Worker) -> str:
        """Kill it where it still runs; return how it came to its end."""
        stood_still = worker.process.is_alive()
        worker.kill()
        worker.process.join()
        how = how_it_ended(worker.exitcode or 0)
        if stood_still:
            how = f"gave no sign of life for {self.config.timeout_worker_healthcheck} s and {how}"
        return how if worker.was_ready else f"{how} before it was ready"

    def _replace(self, place: int, worker: Worker) -> None:
        try:
            successor = Worker(self.config, self.sockets)
            successor.start()
        except OSError as error:  # as of too many processes
            self._plan_successor(worker, f"has no successor ({error})", failed_start=True)
            return
        successor.failed_starts = worker.failed_starts
        self._workers[place] = successor
        self._count_restart()

    def _plan_successor(self, worker: Worker, how: str, failed_start: bool) -> None:
        """Note when another is to be started in its place; after too many failures, end them all."""
        worker.failed_starts += failed_start
        if worker.failed_starts >= MAX_FAILED_STARTS:
            self._failure = WorkerError(
                f"worker {worker.pid} {how}, as {MAX_FAILED_STARTS} in a row: the log says why"
            )
            self.should_exit.set()
            return
        pause = PAUSES[worker.failed_starts]
        worker.successor_at = time.monotonic() + pause
        when = f"in {pause:g} s" if pause else "at once"
        log.warning("worker %d %s; another is started %s", worker.pid, how, when)


def how_it_ended(status: int) -> str:
    """Return the words for what multiprocessing calls an exit code: a signal's number is negative."""
    if status >= 0:
        return f"ended with status {status}"
    try:
        return f"was ended by {signal.Signals(-status).name}"
    except ValueError:  # a real-time signal
        return f"was ended by signal {-status}"


def supervise_closely() -> None:
    """Have uvicorn supervise so, as it takes no other class by a setting."""
    # to mypy they are types, which are not assigned to
    setattr(multiprocess, "Process", Worker)  # noqa: B010
    setattr(import_module("uvicorn.main"), "Multiprocess", Supervisor)  # noqa: B010
