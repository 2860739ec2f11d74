"""What the operator's Prometheus reads: requests, batches, predictions, and how far inputs leave the data."""

import asyncio
import resource
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from time import perf_counter

import numpy as np
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from contract.phone import FEATURES
from service.prediction import LABELS, Predictions
from service.telemetry.shared_metrics import exposition_of_all

SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256)

SAMPLE_SECONDS = 1.0
"""Between two looks at what is not counted as it happens."""

CLIENT_GONE = 499
"""The status told of a request whose client left before it was answered, as nginx has it."""


class Metrics:
    """The counters of one process, kept where all workers find them if they share theirs."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        counter = partial(Counter, registry=self._registry)
        histogram = partial(Histogram, registry=self._registry)
        gauge = partial(Gauge, registry=self._registry)
        self._requests = histogram(
            "phone_price_request_seconds",
            "From the request's arrival to its answer's end",
            ["route", "status"],
            buckets=SECONDS,
        )
        self._batch_rows = histogram(
            "phone_price_turn_batch_rows", "Phones of /predict that one engine call answered", buckets=ROWS
        )
        predicted = counter("phone_price_predictions", "Phones answered", ["price_range"])
        outside = counter("phone_price_out_of_range", "Specifications outside the trained range", ["feature"])
        self._unusual = counter(
            "phone_price_unusual",
            "Phones that break a regularity of those trained on, or are unlike them as a whole",
            ["warning"],
        )
        self._model = gauge(
            "phone_price_model_info",
            "Workers that answer with this model",
            ["version", "engine"],
            multiprocess_mode="livesum",
        )
        self._serving: Gauge | None = None
        self._loads = counter("phone_price_model_loads", "Versions that came to answer")
        self._refused = counter(
            "phone_price_model_refusals", "Versions that CURRENT named and that could not be served"
        )
        self._rejections = counter("phone_price_rejections", "Requests refused unread", ["reason"])
        self._in_flight = gauge(
            "phone_price_in_flight", "Requests being answered", multiprocess_mode="livesum"
        )
        self._queue = gauge("phone_price_queue", "Phones waiting for their turn", multiprocess_mode="livesum")
        self._resident = gauge(
            "phone_price_resident_bytes", "Memory of a worker", multiprocess_mode="liveall"
        )
        self._count_in_flight: Callable[[], int] = int
        self._count_queue: Callable[[], int] = int
        self._predicted = [predicted.labels(label) for label in LABELS]
        self._outside = [outside.labels(name) for name in FEATURES]

    def serving(self, version: str, engine: str, unusual: Iterable[str]) -> None:
        """Say which model answers from now on, and what it may find unusual."""
        self.sample()
        if self._serving:
            self._serving.set(0)
        self._serving = self._model.labels(version, engine)
        self._serving.set(1)
        self._loads.inc()
        for warning in unusual:
            self._unusual.labels(warning)  # it is there before there is any

    def refused(self) -> None:
        """Count a version that cannot be served."""
        self._refused.inc()

    def rejections(self, reason: str) -> None:
        """Count a request that was refused for no fault of its own."""
        self._rejections.labels(reason).inc()

    def in_flight(self, count: Callable[[], int]) -> None:
        """Say who knows how many requests are being answered."""
        self._count_in_flight = count

    def queue(self, count: Callable[[], int]) -> None:
        """Say who knows how many phones wait."""
        self._count_queue = count

    def request_seconds(self, route: str, status: int) -> Histogram:
        """Return what a request's seconds are observed by."""
        return self._requests.labels(route, str(status))

    def batch_of(self, rows: int) -> None:
        """Count a call of the turn batcher."""
        self._batch_rows.observe(rows)

    def predicted(self, predictions: Predictions) -> None:
        """Count predictions by class, and warnings by kind."""
        _add(self._predicted, np.bincount(predictions.price_range, minlength=len(LABELS)).tolist())
        if predictions.any_warned:
            amounts = np.count_nonzero(predictions.warned, axis=1).tolist()
            _add(self._outside, amounts[: len(FEATURES)])
            _add(map(self._unusual.labels, predictions.judge.unusual), amounts[len(FEATURES) :])

    def exposition(self) -> bytes:
        """Return all of it in Prometheus' text format: of all workers, where they share it."""
        self.sample()
        return exposition_of_all() or generate_latest(self._registry)

    def sample(self) -> None:
        """Look at what is not counted as it happens."""
        self._in_flight.set(self._count_in_flight())
        self._queue.set(self._count_queue())
        self._resident.set(_resident_bytes())

    async def keep_sampled(self) -> None:
        """Sample for the other workers, one of which may be asked, until cancelled."""
        while True:
            self.sample()
            await asyncio.sleep(SAMPLE_SECONDS)


def _resident_bytes() -> int:
    try:
        pages = Path("/proc/self/statm").read_text().split()[1]
    except OSError:  # not Linux
        return 0
    return int(pages) * resource.getpagesize()


def _add(counters: Iterable[Counter], amounts: Iterable[int]) -> None:
    for counter, amount in zip(counters, amounts, strict=True):
        if amount:
            counter.inc(amount)


class RequestMetrics:
    """ASGI middleware: the seconds of each request, by its route and the status of its answer."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start, status = perf_counter(), CLIENT_GONE

        async def noted(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        try:
            await self.app(scope, receive, noted)
        except Exception:
            status = 500 if status == CLIENT_GONE else status
            raise
        finally:
            self.metrics.request_seconds(_route(scope), status).observe(perf_counter() - start)


def _route(scope: Scope) -> str:
    """Name the route; a path that none takes is the caller's invention, of which there is no end."""
    if "route" in scope:
        return str(scope["route"].path)
    # FastAPI notes no route for its own pages, as /docs, whose paths have no parameters
    return str(scope["path"]) if "endpoint" in scope else "none"
