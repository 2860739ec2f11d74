"""A client that goes before it has its answer is no failure: 499, one line of the log, no traceback."""

import json
import re
import socket
import struct
import time

import httpx
import numpy as np
import pyarrow as pa
import pytest

from contract.phone import EXAMPLE
from service.media_type import ARROW, CSV
from tests.running_service import ARTIFACTS, RunningService, running_service

LEFT = b'{"instances": [' + json.dumps(EXAMPLE).encode()[:-9]
BODIES = {
    "declared": b"content-length: 900\r\n\r\n" + LEFT,
    "declared, none of it sent": b"content-length: 900\r\n\r\n",
    "in chunks": b"transfer-encoding: chunked\r\n\r\n%x\r\n%b\r\n" % (len(LEFT), LEFT),
    "in half a chunk": b"transfer-encoding: chunked\r\n\r\nfff\r\n" + LEFT,
    "asked for": b"expect: 100-continue\r\ncontent-length: 900\r\n\r\n" + LEFT,
}
KINDS = ["application/json", "application/x-ndjson"]


def posted_paths(running: RunningService) -> list[str]:
    """Those that read a body: not unloading, which is refused whatever comes with it."""
    version = running.client.get("/model-info").json()["model_version"]
    described = running.client.get("/openapi.json").json()["paths"]
    found = [path for path, methods in described.items() if "requestBody" in methods.get("post", {})]
    assert len(found) > 8
    named = [path.replace("{model}", "phone-price").replace("{version}", version) for path in found]
    return [path for path in named if not path.endswith("/unload")]


def leave(running: RunningService, path: str, kind: str, rest: bytes, reset: bool) -> None:
    """Send half a request and close, or reset, the connection."""
    with socket.create_connection(("127.0.0.1", running.client.base_url.port or 0), timeout=5) as connection:
        head = f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: {kind}\r\nx-request-id: left\r\n"
        connection.sendall(head.encode() + rest)
        time.sleep(0.03)
        if reset:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def wait_until_idle(client: httpx.Client) -> None:
    """Wait for the end of all that is under way."""
    deadline = time.monotonic() + 10
    while "phone_price_in_flight 0.0" not in client.get("/metrics").text:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_who_leaves_amid_a_body_is_one_line_with_499(capfd: pytest.CaptureFixture[str]) -> None:
    with running_service(ARTIFACTS) as running:
        left = [
            (path, kind, rest, reset)
            for path in posted_paths(running)
            for kind, rest, reset in [
                *((KINDS[0], rest, False) for rest in BODIES.values()),
                *((kind, BODIES["declared"], True) for kind in KINDS),
            ]
        ]
        for each in left:
            leave(running, *each)
        wait_until_idle(running.client)
        counted = running.client.get("/metrics").text
    assert 'status="499"' in counted
    assert not re.search('status="(400|5..)"', counted)
    output, errors = capfd.readouterr()
    lines = [json.loads(line) for line in output.splitlines() if '"left"' in line]
    wrong = {(line["path"], line["status"]) for line in lines if line["status"] not in (499, 415)}
    assert not wrong
    assert len(lines) == len(left)
    assert sum(line["status"] == 499 for line in lines) > len(left) * 3 / 4
    assert "Traceback" not in errors
    assert {json.loads(line)["level"] for line in errors.splitlines()} == {"info"}


ROWS = 2_000_000
"""That take ten seconds to answer, if they are."""

MAX_SECONDS = 3


def arrow_table(noise: int) -> bytes:
    """A few kilobytes that unpack to `ROWS` phones, and half a megabyte more if there is `noise`."""
    zeros = np.zeros(ROWS // 4, np.uint8)
    columns = {
        name: pa.DictionaryArray.from_arrays(zeros, pa.array([float(value)]))
        for name, value in EXAMPLE.items()
    }
    random = np.random.default_rng(5).integers(1 + noise, size=ROWS // 4)
    first, other = (
        pa.record_batch(columns | {"noise": pa.array(values, pa.uint8())}) for values in (random, zeros)
    )
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, first.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as stream:
        for batch in (first, other, other, other):
            stream.write_batch(batch)
    return bytes(sink.getvalue())


def leave_amid_answer(running: RunningService, query: str, table: bytes) -> None:
    """Send a table, and close before its answer is whole."""
    head = f"POST /predict/batch{query} HTTP/1.1\r\nhost: x\r\ncontent-type: {ARROW}\r\naccept: {CSV}\r\n"
    with socket.create_connection(("127.0.0.1", running.client.base_url.port or 0), timeout=30) as connection:
        connection.sendall(f"{head}content-length: {len(table)}\r\n\r\n".encode() + table)
        time.sleep(0.5)


@pytest.mark.parametrize("query", ["", "?on_error=skip"])
@pytest.mark.parametrize("noise", [0, 255], ids=["small", "large"])
def test_no_table_is_computed_for_a_client_that_has_gone(
    capfd: pytest.CaptureFixture[str], query: str, noise: int
) -> None:
    table = arrow_table(noise)
    with running_service(ARTIFACTS, PHONE_PRICE_MAX_TABLES="1") as running:
        leave_amid_answer(running, query, table)
        left = time.monotonic()
        wait_until_idle(running.client)
        assert time.monotonic() - left < MAX_SECONDS
        assert running.client.post("/predict/batch", json={"phones": [EXAMPLE]}).status_code == 200
        if not query:  # else the answer had begun
            assert 'status="499"' in running.client.get("/metrics").text
    assert {json.loads(line)["level"] for line in capfd.readouterr().err.splitlines()} == {"info"}
