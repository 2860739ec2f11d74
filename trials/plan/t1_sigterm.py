"""SIGTERM comes to one worker, and to two, that are busy with short and long requests and a slow upload."""

import asyncio
import json
import math
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass

from contract.phone import EXAMPLE, FEATURES
from trials.bad_requests import phone
from trials.client import BrokenConnectionError, Connection
from trials.outcome import Control, Outcome, at_least, at_most, exactly
from trials.service import LONGEST_START, SERVE, Service, serving, variant, wait_until
from trials.workers import workers_ready

KIND = "chaos"
PASSES = (
    "50 times each: whatever had been sent whole 100 ms before gets its whole 200, though the workers had no "
    "processor for 300 ms, and so does an upload under way; new connections are refused within 2 s; it ends "
    "within grace + 2 s, with status 0 or 143, and each worker logs that the application's shutdown is "
    "complete"
)

GRACE = 20.0
RIGHT = (0, -signal.SIGTERM, 128 + signal.SIGTERM)

ONE = phone()
MANY = json.dumps({"phones": [EXAMPLE] * 2_000}).encode()
"""So much that 14 of them are answered well within the grace, however slow the machine."""

SHORT, LONG, FRESH = 4, 14, 4
"""Connections; the last are made while the workers have no processor."""

HELD_SECONDS = 0.3
"""For which the workers have no processor when SIGTERM comes: what is sent meanwhile waits in the kernel."""

TOLD_SECONDS = 0.7
"""Until a supervisor has told its workers to end: it looks twice a second for what it is told."""

REFUSED_SECONDS = 2.0
"""From SIGTERM until nobody listens any more."""

UPLOAD_SECONDS = 8.0
"""From SIGTERM to the end of the slow upload where new connections are never refused. A short form may run
on a busy machine, and asks only that they are refused before that."""

UPLOAD = (
    b"POST /predict/batch HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/csv\r\n"
    b"Accept: application/x-ndjson\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
)
HEADER, LINE = ",".join(FEATURES), ",".join(f"{EXAMPLE[name]}" for name in FEATURES)


@dataclass
class Ending:
    """What one SIGTERM came to."""

    seconds: float = 0.0
    status: int = 0
    logged: bool = False
    answered: int = 0
    answered_late: int = 0
    """Sent whole 100 ms before, answered after."""
    lost: int = 0
    """Sent whole 100 ms before, or being uploaded, and never answered, or not with 200 and whole."""
    refused: float = math.inf
    """Seconds until new connections were."""


def run(long: bool) -> Outcome:
    """50 times each: 8 minutes; or once each."""
    times, refused_within = (50, REFUSED_SECONDS) if long else (1, UPLOAD_SECONDS)
    endings = [_ending(SERVE, workers) for workers in (1, 2) for _ in range(times)]
    return Outcome(
        lines=[
            at_least("SIGTERMs", len(endings), 2 * times),
            at_least("answered meanwhile", sum(each.answered_late for each in endings), len(endings)),
            exactly("lost", sum(each.lost for each in endings), 0),
            at_most("slowest refusal", max(each.refused for each in endings), refused_within, "s"),
            at_most("slowest end", max(each.seconds for each in endings), GRACE + 2, "s"),
            exactly("other statuses", sum(each.status not in RIGHT for each in endings), 0),
            exactly("shutdowns not logged", sum(not each.logged for each in endings), 0),
        ],
        controls=[
            _loses("ends_at_once", "a service that ends at once"),
            _loses("leaves_unread", "a service that ends as uvicorn does"),
            _holds_port(),
        ],
        figures={"answers": sum(each.answered for each in endings)},
    )


def _loses(name: str, what: str) -> Control:
    ending = _ending(variant(name), 1)
    return Control(what=what, failed=ending.lost > 0, seen=f"{ending.lost} were lost")


def _holds_port() -> Control:
    ending = _ending(variant("port_held"), 2)
    return Control(
        what="a supervisor that holds the port open until its workers have ended",
        failed=math.isinf(ending.refused),
        seen="new connections are taken for as long as the upload lasts",
    )


def _ending(command: Sequence[str], workers: int) -> Ending:
    ending = Ending()
    with serving(command=command, workers=workers) as service:
        wait_until(lambda: workers_ready(service) == workers, LONGEST_START)
        asyncio.run(_terminate_under_load(service, ending))
        ending.logged = service.log.read_bytes().count(b"Application shutdown complete") == workers
    return ending


async def _terminate_under_load(service: Service, ending: Ending) -> None:
    moment: list[float] = []
    tasks = [
        asyncio.create_task(_ask(service.port, path, body, moment, ending))
        for path, body in [("/predict", ONE)] * SHORT + [("/predict/batch", MANY)] * LONG
    ]
    tasks.append(asyncio.create_task(_upload(service.port, moment, ending)))
    await asyncio.sleep(1)
    workers = service.workers()
    for each in workers:
        each.suspend()
    # of two workers that end, either may take them: not all are answered yet on a busy machine
    count = FRESH if len(workers) == 1 else 0
    fresh = (_ask(service.port, "/predict", ONE, moment, ending) for _ in range(count))
    tasks += [asyncio.create_task(each) for each in fresh]
    await asyncio.sleep(HELD_SECONDS)
    moment.append(time.monotonic())
    service.process.terminate()
    await asyncio.sleep(TOLD_SECONDS if len(workers) > 1 else 0)
    for each in workers:
        each.resume()
    ending.status = await asyncio.to_thread(service.process.wait, GRACE + 10)
    ending.seconds = time.monotonic() - moment[0]
    await asyncio.gather(*tasks)


async def _upload(port: int, moment: list[float], ending: Ending) -> None:
    """Send a table line by line until new connections are refused; note when they were."""
    sent = 0
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(UPLOAD + _chunk(HEADER))
        while not moment or time.monotonic() < moment[0] + UPLOAD_SECONDS:
            writer.write(_chunk(LINE))
            await writer.drain()
            sent += 1
            if moment and await _is_refused(port):
                ending.refused = time.monotonic() - moment[0]
                break
            await asyncio.sleep(0.05)
        writer.write(b"0\r\n\r\n")
        answer = await reader.read()
        writer.close()
    except OSError:
        answer = b""
    ending.lost += not (answer.startswith(b"HTTP/1.1 200 ") and answer.count(b'"price_range"') == sent)


def _chunk(line: str) -> bytes:
    return f"{len(line) + 1:x}\r\n{line}\n\r\n".encode()


async def _is_refused(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionRefusedError:
        return True
    writer.close()
    return False


async def _ask(port: int, path: str, body: bytes, moment: list[float], ending: Ending) -> None:
    """Ask until SIGTERM was sent and the connection ends."""
    connection = Connection(port)
    while not moment:
        try:
            answered = await connection.post(path, body)
        except BrokenConnectionError as error:
            long_before = error.sent is not None and bool(moment) and error.sent < moment[0] - 0.1
            ending.lost += long_before
            return
        ending.answered += answered.status == 200
        if moment and answered.sent < moment[0] - 0.1:
            ending.answered_late += answered.status == 200
            ending.lost += answered.status != 200
    connection.close()
