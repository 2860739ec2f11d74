"""Well-formed HTTP that asks for what cannot be: the fixed table of bad input, with the status of each."""

import json
from collections.abc import Iterator

import pyarrow as pa

from contract.phone import EXAMPLE, FEATURES, FLAGS, Phone
from service.json_limits import MAX_PHONE_BYTES
from trials.raw_http import Exchange, posted, request

CANARY = "S3cr3tCanary"
"""A value that must not be seen again."""

_ONE_PHONE = ("/predict", "/explain", "/what-if")
_PATHS = (*_ONE_PHONE, "/predict/batch")
_INFER = "/v2/models/phone-price/infer"
_DIALECTS = (
    *(_INFER, "/v1/models/phone-price:predict", "/v1/models/phone-price:explain"),
    *("/invocations", "/v1/endpoints/1/deployedModels/2:predict"),
)
"""Where other platforms ask with JSON; a phone alone is nothing there."""
_HEADER = ",".join(FEATURES)
_ROW = ",".join(str(EXAMPLE[name]) for name in FEATURES)


def bad_requests() -> list[Exchange]:
    """Return all of them."""
    return [*_fields(), *_bodies(), *_dialects(), *_tables(), *_floods(), *_kinds(), *_addresses()]


def phone(**fields: object) -> bytes:
    """Return a good phone with other values."""
    return json.dumps({**EXAMPLE, **fields}).encode()


def written(name: str, value: bytes) -> bytes:
    """Return a phone with a value written as it stands."""
    return phone(**{name: CANARY}).replace(f'"{CANARY}"'.encode(), value)


def _fields() -> Iterator[Exchange]:
    """Each field missing, of each wrong type, and out of its bounds."""
    wrong = {
        "a string": f'"{CANARY}"'.encode(),
        "digits as a string": b'"1"',
        "true": b"true",
        "null": b"null",
        "a list": b"[1]",
        "an object": b"{}",
        "NaN": b"NaN",
        "infinity": b"-Infinity",
        "1e999": b"1e999",
        "1e39": b"1e39",
        "minus one": b"-1",
    }
    for name in FEATURES:
        rest = {other: value for other, value in EXAMPLE.items() if other != name}
        yield Exchange(f"{name} missing", posted("/predict", json.dumps(rest).encode()), (422,))
        for what, value in wrong.items():
            if name in FLAGS and what == "true":
                continue
            yield Exchange(f"{name} is {what}", posted("/predict", written(name, value)), (422,))
    for path in _ONE_PHONE:
        yield Exchange(f"a field missing to {path}", posted(path, json.dumps(rest).encode()), (422,))
        yield Exchange(f"a phone of minus one to {path}", posted(path, phone(ram=-1)), (422,))
        twice = phone().replace(b"{", b'{"ram": 1, ', 1)
        yield Exchange(f"a field twice to {path}", posted(path, twice), (422,))


def _bodies() -> Iterator[Exchange]:
    bodies = {
        "empty": b"",
        "blank": b"  ",
        "cut short": phone()[:-1],
        "two phones": phone() * 2,
        "not JSON": CANARY.encode(),
        "an array": b"[1]",
        "null": b"null",
        "a number": b"5",
        "a string": f'"{CANARY}"'.encode(),
        "5,000 digits": written("ram", b"9" * 5_000),
        "4,000 digits": written("ram", b"9" * 4_000),
        "30,000 arrays in each other": b"[" * 30_000 + b"]" * 30_000,
        "30,000 objects in each other": b'{"a":' * 30_000 + b"1" + b"}" * 30_000,
        "not UTF-8": b'{"ram": "\xff\xfe"}',
        "a NUL": b"\0",
        "a surrogate as a value": written("ram", rb'"\ud800"'),
        "a surrogate as a key": rb'{"\ud800": 1}',
        "6,000 unknown keys": json.dumps({f"key{n}": CANARY for n in range(6_000)}).encode(),
        "a long unknown key": json.dumps({"é" * 100_000: 1}).encode(),
        "nothing": b"{}",
        "gzip": b"\x1f\x8b\x08\0\0",
        "a trailing comma": phone()[:-1] + b",}",
        "a comment": phone() + b"// " + CANARY.encode(),
        "single quotes": phone().replace(b'"', b"'"),
    }
    for what, body in bodies.items():
        for path in _PATHS:
            is_large = path != "/predict/batch" and len(body) > MAX_PHONE_BYTES
            yield Exchange(f"{what} to {path}", posted(path, body), (413 if is_large else 422,))
    for path in _PATHS:
        yield Exchange(f"9 MiB to {path}", posted(path, b" " * 9 * 2**20), (413,))
    phones: dict[str, object] = {"none": [], "null": None, "text": CANARY, "nested": [[]], "numbers": [1]}
    for what, value in phones.items():
        body = json.dumps({"phones": value}).encode()
        yield Exchange(f"a batch of {what}", posted("/predict/batch", body), (422,))
    many = b'{"phones":[' + b",".join([phone()] * 10_001) + b"]}"
    yield Exchange("a batch of 10,001", posted("/predict/batch", many), (422,))


def _dialects() -> Iterator[Exchange]:
    """What is wrong to other platforms: each refuses it in words of its own, but all with these statuses."""
    values = list(EXAMPLE.values())
    rows: dict[str, object] = {
        "no phones": [],
        "a canary": CANARY,
        "a row of text": [[CANARY] * 20],
        "19 numbers": [values[1:]],
        "a field missing": [{"ram": 1}],
        "a wrong phone": [{**EXAMPLE, "ram": -1}],
        "10,001 phones": [values] * 10_001,
        "5,000 broken rows": [[0] * 20] * 5_000,
    }
    contents = {"nothing": b"", "a phone": phone(), "a list": b"[1]", "not UTF-8": b"\xff"}
    for path in _DIALECTS:
        for what, value in rows.items():
            body = {"inputs": [{"name": "x", "shape": [1, 20], "datatype": "FP32", "data": value}]}
            content = json.dumps(body if path == _INFER else {"instances": value}).encode()
            # few phones are explained at a time: a large body is not looked at there
            is_large = path.endswith(":explain") and len(content) > MAX_PHONE_BYTES
            yield Exchange(f"{what} to {path}", posted(path, content), (413 if is_large else 400,))
        for what, content in contents.items():
            yield Exchange(f"{what} to {path}", posted(path, content), (400,))
        deep = b'{"instances": ' + b"[" * 30_000
        yield Exchange(f"30,000 arrays to {path}", posted(path, deep), (400,))
        yield Exchange(f"9 MiB to {path}", posted(path, b" " * 9 * 2**20), (413,))
        yield Exchange(f"GET {path}", request("GET", path), (405,))
        yield Exchange(f"brotli to {path}", posted(path, phone(), Content_Encoding="br"), (415,))
    tensor = {"name": "x", "shape": [1, 20], "datatype": "FP64", "parameters": {"binary_data_size": 160}}
    head = json.dumps({"inputs": [tensor]}).encode()
    for length in ("-1", "x", "9" * 300, str(len(head) + 161)):
        sent = posted(_INFER, head + bytes(160), Inference_Header_Content_Length=length)
        yield Exchange(f"{length[:9]} bytes of JSON", sent, (400,))
    for size in (0, 159, 161, 2**62):
        sent = posted(_INFER, head + bytes(size % 200), Inference_Header_Content_Length=str(len(head)))
        yield Exchange(f"{size} bytes of 160", sent, (400,))
    for path in ("/v2/models/x", "/v2/models/phone-price/versions/1", "/v1/models/x", "/v2/nothing"):
        yield Exchange(f"GET {path}", request("GET", path), (404,))
    kinds = ("application/x-npy", "application/vnd.apache.parquet", "application/jsonlines", "text/csv")
    for kind in kinds:
        for what, content in {"nothing": b"", "text": CANARY.encode(), "zeros": bytes(1_000)}.items():
            yield Exchange(f"{kind} of {what} to /invocations", posted("/invocations", content, kind), (400,))
    yield Exchange("a picture to /invocations", posted("/invocations", b"1", "image/png"), (415,))


def _tables() -> Iterator[Exchange]:
    tables = {
        "a bad cell": f"{_HEADER}\n{_ROW.replace(str(EXAMPLE['ram']), CANARY)}\n",
        "NaN": f"{_HEADER}\n{_ROW.replace(str(EXAMPLE['ram']), 'nan')}\n",
        "a column missing": "ram,wifi\n1,1\n",
        "a column twice": f"{_HEADER},ram\n{_ROW},1\n",
        "a short row": f"{_HEADER}\n1,2,3\n",
        "a long row": f"{_HEADER}\n{_ROW},1,2\n",
        "an open quote": f'{_HEADER}\n"{CANARY}',
        "a NUL": f"{_HEADER}\n\0{_ROW}\n",
        "nothing": "",
        "only a header": _HEADER,
        "a secret header": f"{CANARY},ram\n1,2\n",
        "tabs": f"{_HEADER}\n{_ROW}\n".replace(",", "\t"),
    }
    for what, text in tables.items():
        yield Exchange(f"CSV: {what}", posted("/predict/batch", text.encode(), "text/csv"), (422,))
    lines = {"no JSON": CANARY.encode(), "no phone": b"{}", "a bad phone": phone(ram=-1), "an array": b"[]"}
    for what, line in lines.items():
        sent = posted("/predict/batch", phone() + b"\n" + line + b"\n", "application/x-ndjson")
        yield Exchange(f"NDJSON: {what}", sent, (422,))
    for kind in ("application/vnd.apache.arrow.stream", "application/vnd.apache.parquet"):
        for what, content in {"nothing": b"", "text": CANARY.encode(), "zeros": bytes(1_000)}.items():
            yield Exchange(f"{kind}: {what}", posted("/predict/batch", content, kind), (422,))


def _floods() -> Iterator[Exchange]:
    """Tables that are small to send and would be large to hold, or long to look at."""
    commas, names = "," * 900_000, {f"name {number}": 1 for number in range(60_000)}
    texts = {
        "a million columns": f"{_HEADER}{commas}\n" + "x\n" * 1_000,
        "an open quote before a million lines": '"' + "\n" * 1_000_000,
        "a million blank lines": "\n" * 1_000_000,
    }
    for what, text in texts.items():
        yield Exchange(f"CSV: {what}", posted("/predict/batch", text.encode(), "text/csv"), (422,))
    lines = b"\n".join([json.dumps({**names, **EXAMPLE}).encode(), *[phone()] * 300])
    sent = posted("/predict/batch?keep=all", lines, "application/x-ndjson")
    yield Exchange("NDJSON: 60,000 names to be kept", sent, (422,))
    by_number = pa.array([0] * 16_384, pa.int8()), pa.array(["x" * 1_000_000], pa.large_string())
    columns = {
        "ten million times nothing": pa.nulls(10_000_000),
        "a text of 1 MB, 16,384 times by its number": pa.DictionaryArray.from_arrays(*by_number),
        "16,384 times what is not a number": pa.array([float("nan")] * 16_384, pa.float32()),
    }
    for what, column in columns.items():
        sent = posted("/predict/batch", _arrow(column), "application/vnd.apache.arrow.stream")
        yield Exchange(f"Arrow: {what}", sent, (422,))


def _arrow(column: pa.Array) -> bytes:
    """Return a stream of one record batch, in which each specification is that column."""
    batch = pa.RecordBatch.from_arrays([column] * len(FEATURES), names=list(FEATURES))
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as stream:
        stream.write_batch(batch)
    return bytes(sink.getvalue())


def _kinds() -> Iterator[Exchange]:
    for path in _PATHS:
        for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "\xe9"):
            yield Exchange(f"{kind or 'no'} type to {path}", posted(path, phone(), kind), (415,))
        yield Exchange(f"untyped to {path}", request("POST", path, phone()), (415,))
        for coding in ("gzip", "br", "zstd", "deflate"):
            sent = posted(path, phone(), Content_Encoding=coding)
            yield Exchange(f"{coding} to {path}", sent, (415,))
        for timeout in ("0", "-1", "x", "1e3", "9" * 400):
            sent = posted(path, phone(), X_Request_Timeout=timeout)
            yield Exchange(f"a deadline of {timeout[:5]} to {path}", sent, (400, 422))
    sent = posted("/predict/batch", json.dumps({"phones": [EXAMPLE]}).encode(), Accept="image/png")
    yield Exchange("a picture is wanted", sent, (406,))
    for query in ("keep=some", "on_error=ignore"):
        sent = posted(f"/predict/batch?{query}", f"{_HEADER}\n{_ROW}\n".encode(), "text/csv")
        yield Exchange(f"?{query}", sent, (422,))


def _addresses() -> Iterator[Exchange]:
    for path in ("/nothing", "/predict/", "//predict", "/predict/1", "/health/x", "/%00", "/../etc/passwd"):
        yield Exchange(f"POST {path}", posted(path, phone()), (404, 307, 308))
    for path in ("/page/", "/page/nothing.js", "/page/..%2fapp.py", "/page/%2e%2e/app.py", "/page/%00"):
        yield Exchange(f"GET {path}", request("GET", path), (404,))
    methods = (("GET", "/predict"), ("DELETE", "/predict"), ("PUT", "/predict/batch"), ("GET", "/explain"))
    for method, path in methods:
        yield Exchange(f"{method} {path}", request(method, path), (405,))
    for path in ("/", "/health", "/health/live", "/health/ready", "/metrics", "/model-info", "/model-card"):
        yield Exchange(f"POST {path}", posted(path, phone()), (405,))


def bounds() -> dict[str, tuple[float, float]]:
    """Return the least and the most of each specification, as the service's own schema tells them."""
    properties = Phone.model_json_schema()["properties"]
    return {name: (properties[name]["minimum"], properties[name]["maximum"]) for name in FEATURES}
