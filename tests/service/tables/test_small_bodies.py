"""Small bodies that stand for much: answered or refused in bounded memory, and others meanwhile, too.

How long each takes is logged, and no matter of passing: a busy machine takes several times as long.
"""

import io
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from struct import pack
from time import perf_counter

import httpx
import pyarrow as pa
import pytest
from pyarrow import parquet

from contract.phone import EXAMPLE, FEATURES
from service.media_type import ARROW, CSV, NDJSON, PARQUET
from tests.running_service import ARTIFACTS, RunningService, running_service
from tests.tables import body

log = logging.getLogger(__name__)

MIB = 2**20
MAX_GROWTH = 64 * MIB
"""Of the memory that a process has, over what it had before the body came."""

MAX_ANSWER_BYTES = 150 * MIB
"""Twice what 200,000 sound rows are as NDJSON."""

MAX_REFUSAL_BYTES = 4 * 1024

RESET_PEAK = "5"
"""Written to clear_refs: the highest resident size is from now on that of now."""


@pytest.fixture(scope="module")
def running() -> Iterator[RunningService]:
    with running_service(ARTIFACTS) as service:
        for kind in (CSV, NDJSON, ARROW, PARQUET):  # libraries are loaded when they are first needed
            for accept in (CSV, NDJSON, ARROW, PARQUET):
                headers = {"Content-Type": kind, "Accept": accept}
                content = body(kind, [{**EXAMPLE, "note": "ok"}] * 20_000)
                params = {"keep": "all", "on_error": "skip"}
                assert service.client.post(
                    "/predict/batch", content=content, headers=headers, params=params
                ).is_success
        yield service


def table(count: int, own: dict[str, pa.Array]) -> pa.Table:
    return pa.table({**own, **{name: pa.array([value] * count) for name, value in EXAMPLE.items()}})


def arrow(columns: pa.Table) -> bytes:
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, columns.schema) as stream:
        stream.write_table(columns)
    return sink.getvalue()


def packed_parquet(columns: pa.Table, row_group: int) -> bytes:
    sink = io.BytesIO()
    parquet.write_table(columns, sink, row_group_size=row_group, compression="zstd")
    return sink.getvalue()


def dictionary(size: int, count: int, kind: pa.DataType) -> bytes:
    text = pa.array(["x" * size], kind)
    return arrow(table(count, {"note": pa.DictionaryArray.from_arrays(pa.array([0] * count), text)}))


def views(size: int, count: int, kind: pa.DataType) -> bytes:
    view = pack("<i4sii", size, b"xxxx", 0, 0)
    buffers = [None, pa.py_buffer(view * count), pa.py_buffer(b"x" * size)]
    return arrow(table(count, {"note": pa.Array.from_buffers(kind, count, buffers)}))


def wide(count: int) -> dict[str, pa.Array]:
    return {f"c{number}": pa.array([1], pa.int8()) for number in range(count)}


def within(columns: dict[str, pa.Array]) -> dict[str, pa.Array]:
    return {"wide": pa.StructArray.from_arrays(list(columns.values()), list(columns))}


def text_wide(count: int) -> bytes:
    return body(CSV, [{**EXAMPLE, **{f"c{number}": 1 for number in range(count)}}])


def same_text(size: int, count: int, row_group: int, kind: pa.DataType) -> bytes:
    text = [["x" * size]] if pa.types.is_list(kind) else ["x" * size]
    return packed_parquet(table(count, {"note": pa.array(text * count, kind)}), row_group)


def nulls(count: int) -> bytes:
    return arrow(pa.table({name: pa.nulls(count, pa.int8()) for name in FEATURES}))


def cells(count: int) -> bytes:
    return f"{','.join(FEATURES)}\n".encode() + (b"," * 19 + b"x\n") * count


BODIES: dict[str, tuple[str, str, Callable[[], bytes]]] = {
    "B1: a dictionary of one text": (ARROW, NDJSON, lambda: dictionary(MIB, 1_024, pa.string())),
    "B1: of half the text, as CSV": (ARROW, CSV, lambda: dictionary(MIB // 2, 4_096, pa.large_string())),
    "B1: of bytes, as Parquet": (ARROW, PARQUET, lambda: dictionary(MIB, 1_024, pa.binary())),
    "B2: views of one text": (ARROW, NDJSON, lambda: views(MIB, 1_024, pa.string_view())),
    "B2: of a short text, as CSV": (ARROW, CSV, lambda: views(MIB // 4, 4_096, pa.string_view())),
    "B2: of bytes, as Arrow": (ARROW, ARROW, lambda: views(MIB, 1_024, pa.binary_view())),
    "B3: many columns": (ARROW, NDJSON, lambda: arrow(table(1, wide(45_000)))),
    "B3: within a column": (ARROW, NDJSON, lambda: arrow(table(1, within(wide(45_000))))),
    "B3: of CSV": (CSV, NDJSON, lambda: text_wide(30_000)),
    "B4: a text stored once": (PARQUET, PARQUET, lambda: same_text(65_536, 16_384, 16_384, pa.string())),
    "B4: in row groups, as CSV": (PARQUET, CSV, lambda: same_text(65_536, 16_384, 4_096, pa.binary())),
    "B4: in lists, as NDJSON": (
        PARQUET,
        NDJSON,
        lambda: same_text(65_536, 16_384, 16_384, pa.list_(pa.string())),
    ),
    "B5: a field a row": (NDJSON, NDJSON, lambda: b'{"ram": 1}\n' * 200_000),
    "B5: no field": (NDJSON, CSV, lambda: b"{}\n" * 100_000),
    "B5: empty cells": (CSV, NDJSON, lambda: cells(50_000)),
    "B5: nulls": (ARROW, NDJSON, lambda: nulls(50_000)),
}


@pytest.mark.parametrize("name", BODIES)
def test_a_small_body_takes_bounded_memory_and_others_are_answered_meanwhile(
    running: RunningService, name: str
) -> None:
    kind, accept, make = BODIES[name]
    content = make()
    params = {"on_error": "skip"} if name.startswith("B5") else {"keep": "all"}
    begin = peak_from_now(running.process.pid)
    start = perf_counter()
    with asked_meanwhile(running) as waits:
        status, size = posted(running, content, kind, accept, params)
    seconds = perf_counter() - start
    growth = peak(running.process.pid) - begin
    log.info(
        "%s: %d bytes, status %d, %d bytes in %.2f s, %+.1f MiB, %d others waited at most %.0f ms",
        *(name, len(content), status, size, seconds, growth / MIB, len(waits), max(waits) * 1000),
    )
    assert (status, size < MAX_REFUSAL_BYTES) == (422, True) or (status == 200 and size < MAX_ANSWER_BYTES), (
        size
    )
    assert growth < MAX_GROWTH


def posted(
    running: RunningService, content: bytes, kind: str, accept: str, params: dict[str, str]
) -> tuple[int, int]:
    """Return the status, and how long the answer is."""
    headers = {"Content-Type": kind, "Accept": accept}
    options = {"content": content, "headers": headers, "params": params, "timeout": 300}
    with running.client.stream("POST", "/predict/batch", **options) as answer:  # type: ignore[arg-type]
        return answer.status_code, sum(map(len, answer.iter_raw()))


@contextmanager
def asked_meanwhile(running: RunningService) -> Iterator[list[float]]:
    """Ask for a prediction time and again, and give how long each answer took."""
    done = threading.Event()
    waits: list[float] = []

    def ask() -> None:
        with httpx.Client(base_url=running.client.base_url, timeout=30) as other:
            while not (done.wait(0.002) and waits):
                start = perf_counter()
                assert other.post("/predict", json=EXAMPLE).status_code == 200
                waits.append(perf_counter() - start)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        yield waits
    finally:
        done.set()
        asking.join()
    assert running.process.poll() is None


def peak_from_now(process: int) -> int:
    """Forget the highest resident size of a process, and return the one of now."""
    Path(f"/proc/{process}/clear_refs").write_text(RESET_PEAK)
    return peak(process)


def peak(process: int) -> int:
    """Return the highest resident size, in bytes."""
    status = Path(f"/proc/{process}/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024
