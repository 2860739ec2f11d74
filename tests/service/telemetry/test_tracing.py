"""Spans of a real service arrive at a collector of OpenTelemetry's protocol over HTTP."""

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from contract.phone import EXAMPLE
from tests.running_service import ARTIFACTS, running_service
from tests.service.test_start import refusal

KEY = "0123456789abcdef" * 2
TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"


@dataclass
class Collector:
    """What has arrived."""

    address: str
    received: list[Any]

    def spans(self) -> list[Any]:
        return [
            span
            for message in self.received
            for resource in message.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def text(self) -> str:
        return "".join(map(str, self.received))


@pytest.fixture
def collector() -> Iterator[Collector]:
    arrived: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            message = ExportTraceServiceRequest()
            message.ParseFromString(
                gzip.decompress(body) if self.headers["content-encoding"] == "gzip" else body
            )
            arrived.append(message)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with server:
        yield Collector(f"http://127.0.0.1:{server.server_port}", arrived)
        server.shutdown()


@contextmanager
def traced(collector: Collector) -> Iterator[httpx.Client]:
    settings = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.address, "PHONE_PRICE_API_KEYS": KEY}
    with running_service(ARTIFACTS, **settings) as running:
        yield running.client


def test_each_request_is_a_span_that_goes_on_its_callers_and_the_last_are_sent_at_the_end(
    collector: Collector,
) -> None:
    with traced(collector) as client:
        headers = {"X-API-Key": KEY, "traceparent": PARENT}
        assert client.post("/predict", json=EXAMPLE, headers=headers).status_code == 200
        assert client.get("/model-info").status_code == 401
    (mine,) = [span for span in collector.spans() if span.trace_id.hex() == TRACE]
    assert mine.name == "POST /predict"
    assert mine.end_time_unix_nano > mine.start_time_unix_nano
    assert [span.name for span in collector.spans()].count("GET /model-info") == 1
    assert "phone-price" in collector.text()


def test_a_span_tells_no_query_no_key_and_no_value(collector: Collector) -> None:
    with traced(collector) as client:
        headers = {"X-API-Key": KEY}
        client.post("/predict?secret=query", json={**EXAMPLE, "ram": 31_337}, headers=headers)
        table = f"{','.join(EXAMPLE)}\n{','.join(map(str, EXAMPLE.values()))}\n"
        told = {**headers, "Content-Type": "text/csv", "Accept": "text/csv"}
        answer = client.post("/predict/batch?keep=all", content=table, headers=told)
        assert answer.text.startswith("battery_power,"), "the service has seen the query"
    assert len(collector.spans()) >= 2
    assert not any(secret in collector.text() for secret in ("secret", "keep=", KEY, "31337"))


@pytest.mark.parametrize(
    "header", [(b"User-Agent", b"\xff\xfe"), (b"traceparent", b"\xff"), (b"baggage", b"\xff=%ff")]
)
def test_headers_that_are_no_text_do_no_harm(collector: Collector, header: tuple[bytes, bytes]) -> None:
    with traced(collector) as client:
        headers = [(b"X-API-Key", KEY.encode()), header]
        assert client.post("/predict", json=EXAMPLE, headers=headers).status_code == 200
        assert client.post("/predict?q=%ff", json=EXAMPLE, headers=headers).status_code == 422


def test_a_collector_that_is_not_there_costs_no_answer() -> None:
    with running_service(ARTIFACTS, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9") as running:
        assert running.client.post("/predict", json=EXAMPLE).status_code == 200


def test_without_the_extra_it_says_what_to_install(tmp_path: Path) -> None:
    hidden = tmp_path / "opentelemetry" / "instrumentation"
    hidden.mkdir(parents=True)
    (hidden / "__init__.py").write_text("raise ModuleNotFoundError(name='opentelemetry.instrumentation')")
    settings = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "PYTHONPATH": str(tmp_path)}
    status, words = refusal(ARTIFACTS, **settings)
    assert status == 3
    assert "pip install '.[tracing]'" in words
    assert words.count("\n") == 1
