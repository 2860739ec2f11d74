"""Bodies of valid requests, altered byte by byte: flipped, cut, doubled, swapped, odd words put in."""

import io
import json
import random
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet

from contract.phone import EXAMPLE, FEATURES
from service.media_type import ARROW, CSV, JSON, NDJSON, PARQUET

WORDS = [
    *(b"NaN", b"Infinity", b"-Infinity", b"1e999", b"1e39", b"-0", b"5e-324", b"9" * 400, b"0x10", b"1_0"),
    *(
        b"null",
        b"true",
        b"false",
        b'""',
        b'"\\ud800"',
        b"\\u0000",
        b"\xff",
        b"\xef\xbb\xbf",
        b"\0",
        b"\r\n",
        b"\n",
    ),
    *(b"[" * 200, b"{" * 200, b'{"a":' * 100, b"]", b"}", b",", b":", b'"', b"//", b"'", b"e", b"."),
    *(b'"ram":1,', b'"ram"', b'"' + b"k" * 300 + b'":1,', '"é":1,'.encode(), '"é":1,'.encode("utf-16")),
]


class Body(NamedTuple):
    """What is posted, and as what."""

    path: str
    kind: str
    content: bytes
    json_length: int | None = None
    """Of an inference, where bytes follow the JSON."""


def valid_bodies() -> list[Body]:
    """Return a phone, asked about in each way and dialect, and small tables of every kind."""
    table = pa.table({name: pa.array([EXAMPLE[name]] * 3, pa.float64()) for name in FEATURES})
    line = json.dumps(EXAMPLE).encode()
    row = ",".join(str(EXAMPLE[name]) for name in FEATURES)
    return [
        Body("/predict", JSON, line),
        Body("/explain", JSON, line),
        Body("/what-if", JSON, line),
        Body("/predict/batch", JSON, b'{"phones":[' + line + b"," + line + b"]}"),
        Body("/predict/batch", NDJSON, (line + b"\n") * 2),
        Body("/predict/batch", CSV, f"{','.join(FEATURES)}\n{row}\n{row}\n".encode()),
        Body("/predict/batch", ARROW, _arrow(table)),
        Body("/predict/batch", PARQUET, _parquet(table)),
        *_of_other_platforms(line, row),
    ]


def _of_other_platforms(phone: bytes, row: str) -> list[Body]:
    tensor = {"name": "x", "shape": [1, 20], "datatype": "FP64"}
    behind = json.dumps({"inputs": [tensor | {"parameters": {"binary_data_size": 160}}]}).encode()
    raw = np.array([[EXAMPLE[name] for name in FEATURES]])
    array = io.BytesIO()
    np.save(array, raw)
    columns = [tensor | {"name": name, "shape": [1], "data": [EXAMPLE[name]]} for name in FEATURES]
    frame = {"dataframe_split": {"columns": FEATURES, "data": raw.tolist()}}
    infer, invocations = "/v2/models/phone-price/infer", "/invocations"
    instances = b'{"instances":[' + phone + b",[" + row.encode() + b"]]}"
    return [
        Body(infer, JSON, json.dumps({"inputs": [tensor | {"data": raw.tolist()}]}).encode()),
        Body(infer, JSON, json.dumps({"inputs": columns, "outputs": [{"name": "label"}]}).encode()),
        Body(infer, "application/octet-stream", behind + raw.tobytes(), len(behind)),
        Body("/v1/models/phone-price:predict", JSON, instances),
        Body("/v1/endpoints/1/deployedModels/2:predict", JSON, instances),
        Body(invocations, JSON, json.dumps(frame).encode()),
        Body(invocations, JSON, b'{"inputs":[[' + row.encode() + b"]]}"),
        Body(invocations, CSV, f"{row}\n{row}\n".encode()),
        Body(invocations, "application/jsonlines", phone + b"\n[" + row.encode() + b"]\n"),
        Body(invocations, "application/x-npy", array.getvalue()),
    ]


def mutated(bodies: list[Body], alone: float, seed: int) -> Iterator[Body]:
    """Return altered bodies without end, always the same of a seed; a share of them of the first, `alone`."""
    chosen = random.Random(seed)  # noqa: S311 - to be repeated
    while True:
        body = bodies[0] if chosen.random() < alone else chosen.choice(bodies)
        content = body.content
        for _ in range(chosen.choice((1, 1, 1, 2, 3, 8))):
            content = chosen.choice(_WAYS)(content, chosen)
        yield body._replace(content=content)


def _arrow(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pyarrow.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def _parquet(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    pyarrow.parquet.write_table(table, sink)
    return bytes(sink.getvalue())


def _flip(content: bytes, chosen: random.Random) -> bytes:
    if not content:
        return content
    altered = bytearray(content)
    altered[chosen.randrange(len(altered))] ^= 1 << chosen.randrange(8)
    return bytes(altered)


def _another_digit(content: bytes, chosen: random.Random) -> bytes:
    place = chosen.choice([place for place, byte in enumerate(content) if byte in b"0123456789"] or [0])
    return content[:place] + b"%d" % chosen.randrange(10) + content[place + 1 :]


def _write_over(content: bytes, chosen: random.Random) -> bytes:
    place = chosen.randrange(len(content) + 1)
    return content[:place] + chosen.randbytes(chosen.randrange(1, 5)) + content[place + 3 :]


def _cut_out(content: bytes, chosen: random.Random) -> bytes:
    start, end = _span(content, chosen)
    return content[:start] + content[end:]


def _double(content: bytes, chosen: random.Random) -> bytes:
    start, end = _span(content, chosen)
    return content[:end] + content[start:end] + content[end:]


def _swap(content: bytes, chosen: random.Random) -> bytes:
    start, end = _span(content, chosen)
    middle = (start + end) // 2
    return content[:start] + content[middle:end] + content[start:middle] + content[end:]


def _put_in(content: bytes, chosen: random.Random) -> bytes:
    place = chosen.randrange(len(content) + 1)
    return content[:place] + chosen.choice(WORDS) + content[place:]


def _put_for_a_number(content: bytes, chosen: random.Random) -> bytes:
    """Put a word where a number stands in JSON or CSV."""
    place = chosen.choice([place for place, byte in enumerate(content) if byte in b"0123456789"] or [0])
    return content[:place] + chosen.choice(WORDS) + content[place + 1 :]


def _cut_short(content: bytes, chosen: random.Random) -> bytes:
    return content[: chosen.randrange(len(content) + 1)]


def _span(content: bytes, chosen: random.Random) -> tuple[int, int]:
    start = chosen.randrange(len(content) + 1)
    return start, min(len(content), start + chosen.randrange(1, 40))


_WAYS: list[Callable[[bytes, random.Random], bytes]] = [
    *(
        _another_digit,
        _another_digit,
        _flip,
        _write_over,
        _cut_out,
        _double,
        _swap,
        _put_in,
        _put_for_a_number,
        _cut_short,
    )
]
