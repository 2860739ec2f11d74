"""Every place where phones come in: how one phone is written for it, sent, and answered."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeAlias

import httpx
import numpy as np
import pandas as pd
import pyarrow as pa

from contract.errors import PhonePriceError
from contract.phone import EXAMPLE, FEATURES
from service.client import PhonePriceClient
from service.media_type import ARROW, ARROW_FILE, CSV, JSON, NDJSON, PARQUET
from service.scoring.one_process import score
from service.settings import Settings
from service.tables.choices import OnError
from tests.running_service import ARTIFACTS
from tests.tables import body
from training.dataset import read_dataset, read_labelled

Phone: TypeAlias = Mapping[str, Any]

INFER = "/v2/models/phone-price/infer"
V1, V1_EXPLAIN = "/v1/models/phone-price:predict", "/v1/models/phone-price:explain"
VERTEX = "/v1/endpoints/1/deployedModels/2:predict"
INVOCATIONS = "/invocations"
TEMPLATES = {
    INFER: "/v2/models/{model}/infer",
    V1: "/v1/models/{model}:predict",
    V1_EXPLAIN: "/v1/models/{model}:explain",
    VERTEX: "/v1/endpoints/{endpoint}/deployedModels/{deployed_model}:predict",
}
ANY_KIND = frozenset(TEMPLATES)
"""Where the body is what it is, whatever its Content-Type says."""

ONE_PHONE = ("/predict", "/explain", "/what-if")
JSON_LINES, NPY = "application/jsonlines", "application/x-npy"


class Outcome(NamedTuple):
    """Whether the phone was taken, and what was answered or told."""

    taken: bool
    told: Any


class Post(Protocol):
    """Sends a body to the app in this process."""

    def __call__(self, path: str, content: bytes, headers: Mapping[str, str]) -> httpx.Response: ...


@dataclass(frozen=True)
class House:
    """What the doors belong to."""

    post: Post
    openapi: dict[str, Any]
    folder: Path
    """Where a table may be put."""
    client: PhonePriceClient


@dataclass(frozen=True)
class Door:
    """A place where phones come in."""

    write: Callable[[Phone], Any]
    send: Callable[[House, Any], Outcome]
    is_text: bool = True
    """Whether people may save what they send in an editor."""
    has_booleans: bool = True
    """Whether what is sent can be true of one specification and 5 of another."""
    path: str = ""
    """Where it is posted to."""
    headers: Callable[[bytes], dict[str, str]] = lambda _: {}
    described: str = ""
    """The path that describes it as JSON."""


def posted(
    path: str,
    kind: str,
    write: Callable[[Phone], bytes],
    head: Callable[[bytes], int] | None = None,
    *,
    is_text: bool = True,
    has_booleans: bool = True,
) -> Door:
    """Return a door of the service; `head` says how many bytes of the body are JSON, if not all are."""

    def headers(content: bytes) -> dict[str, str]:
        length = {} if head is None else {"Inference-Header-Content-Length": str(head(content))}
        return {"Content-Type": kind, **length}

    def send(house: House, content: bytes) -> Outcome:
        answer = house.post(path, content, headers(content))
        assert answer.status_code in (200, 400, 422), answer.text
        return Outcome(answer.status_code == 200, answer.text)

    described = TEMPLATES.get(path, path) if kind == JSON else ""
    return Door(write, send, is_text, has_booleans, path, headers, described)


def as_json(form: Callable[[Phone], Any]) -> Callable[[Phone], bytes]:
    return lambda phone: json.dumps(form(phone)).encode()


def values(phone: Phone) -> list[Any]:
    return [phone[name] for name in FEATURES]


def named(name: str, form: Callable[[Phone], Any]) -> Callable[[Phone], bytes]:
    """Write a list of one phone under a name."""
    return as_json(lambda phone: {name: [form(phone)]})


def table(kind: str) -> Callable[[Phone], bytes]:
    return lambda phone: body(kind, [dict(phone)])


def cells(phone: Phone) -> bytes:
    """Write the values alone, as SageMaker does."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(values(phone))
    return text.getvalue().encode()


def arrow_file(phone: Phone) -> bytes:
    sink, rows = io.BytesIO(), pa.Table.from_pylist([dict(phone)])
    with pa.ipc.new_file(sink, rows.schema) as file:
        file.write_table(rows)
    return sink.getvalue()


def array(phone: Phone) -> bytes:
    sink = io.BytesIO()
    np.save(sink, np.array([values(phone)], np.float64))
    return sink.getvalue()


def column(name: str, value: Any) -> dict[str, Any]:
    return {"name": name, "shape": [1], "datatype": "BOOL" if isinstance(value, bool) else "FP64"}


def tensors(phone: Phone) -> bytes:
    """Write a tensor of each specification."""
    return json.dumps({"inputs": [{**column(*each), "data": [each[1]]} for each in phone.items()]}).encode()


def raw_tensors(phone: Phone) -> bytes:
    """Write the same, with the values as bytes behind the JSON."""
    inputs, raw = [], b""
    for name, value in phone.items():
        content = np.array(value, "?" if isinstance(value, bool) else "<f8").tobytes()
        inputs.append({**column(name, value), "parameters": {"binary_data_size": len(content)}})
        raw += content
    return json.dumps({"inputs": inputs}).encode() + raw


def one_tensor(phone: Phone) -> bytes:
    tensor = {"name": "phones", "shape": [1, len(FEATURES)], "datatype": "FP64", "data": values(phone)}
    return json.dumps({"inputs": [tensor]}).encode()


def of_json(content: bytes) -> int:
    return content.index(b"]}") + len(b"]}")


def scored(ending: str, kind: str, *, is_text: bool = True) -> Door:
    """Return `python -m service score` on a file."""

    def send(house: House, content: bytes) -> Outcome:
        source, target = house.folder / f"phones{ending}", house.folder / "answers.csv"
        source.write_bytes(content)
        choices = {"kinds": ("csv", "csv"), "keep": False, "on_error": OnError.FAIL}
        settings = Settings(artifacts=ARTIFACTS)
        try:
            score(settings, source, target, watch=lambda *_: None, **choices)  # type: ignore[arg-type]
        except PhonePriceError as error:
            return Outcome(False, str(error))
        return Outcome(True, target.read_text())

    return Door(arrow_file if kind == ARROW_FILE else table(kind), send, is_text)


LABELLED = [{**EXAMPLE, "mobile_wt": 100 + number, "price_range": number % 4} for number in range(48)]


def labelled(phone: Phone) -> bytes:
    return body(CSV, [{**phone, "price_range": 1}, *LABELLED])


def learnt(read: Callable[[Path], Any]) -> Door:
    """Return a command of training that reads its table so."""

    def send(house: House, content: bytes) -> Outcome:
        path = house.folder / "labelled.csv"
        path.write_bytes(content)
        try:
            return Outcome(True, read(path).phones.matrix.tolist())
        except PhonePriceError as error:
            return Outcome(False, str(error))

    return Door(labelled, send)


def called(method: str, given: Callable[[Phone], Any] = dict) -> Door:
    """Return a method of the Python client."""

    def send(house: House, content: Any) -> Outcome:
        try:
            found = getattr(house.client, method)(content)
        except PhonePriceError as error:
            return Outcome(False, str(error))
        return Outcome(True, found.to_pylist() if isinstance(found, pa.Table) else repr(found))

    return Door(given, send, is_text=False)


def frame(phone: Phone) -> pd.DataFrame:
    return pd.DataFrame([dict(phone)])


def split(phone: Phone) -> dict[str, Any]:
    return {"columns": list(FEATURES), "data": [values(phone)]}


DOORS: dict[str, Door] = {
    **{path: posted(path, JSON, as_json(dict)) for path in ONE_PHONE},
    "/predict, not ahead of FastAPI": posted("/predict", f"{JSON}; charset=utf-8", as_json(dict)),
    "/predict/batch": posted("/predict/batch", JSON, named("phones", dict)),
    **{f"/predict/batch, {kind}": posted("/predict/batch", kind, table(kind)) for kind in (CSV, NDJSON)},
    **{
        f"/predict/batch, {kind}": posted("/predict/batch", kind, table(kind), is_text=False)
        for kind in (ARROW, PARQUET)
    },
    "/predict/batch, Arrow's file": posted("/predict/batch", ARROW, arrow_file, is_text=False),
    **{
        f"{path}, {name} {order}": posted(path, JSON, named(name, form))
        for path, names in ((V1, ("instances", "inputs")), (V1_EXPLAIN, ("instances",)))
        for name in names
        for order, form in (("by name", dict), ("in order", values))
    },
    f"{VERTEX}, by name": posted(VERTEX, JSON, named("instances", dict)),
    f"{VERTEX}, in order": posted(VERTEX, JSON, named("instances", values)),
    f"{INFER}, columns": posted(INFER, JSON, tensors),
    f"{INFER}, binary columns": posted(
        INFER, "application/octet-stream", raw_tensors, of_json, is_text=False
    ),
    f"{INFER}, one tensor": posted(INFER, JSON, one_tensor, has_booleans=False),
    **{
        f"{INVOCATIONS}, {name} {order}": posted(INVOCATIONS, JSON, named(name, form))
        for name in ("instances", "inputs", "dataframe_records")
        for order, form in (("by name", dict), ("in order", values))
    },
    f"{INVOCATIONS}, a list": posted(INVOCATIONS, JSON, as_json(lambda phone: [values(phone)])),
    f"{INVOCATIONS}, columns": posted(
        INVOCATIONS, JSON, as_json(lambda phone: {"inputs": {name: [each] for name, each in phone.items()}})
    ),
    f"{INVOCATIONS}, split": posted(
        INVOCATIONS, JSON, as_json(lambda phone: {"dataframe_split": split(phone)})
    ),
    f"{INVOCATIONS}, CSV": posted(INVOCATIONS, CSV, table(CSV)),
    f"{INVOCATIONS}, CSV without a header": posted(INVOCATIONS, CSV, cells),
    f"{INVOCATIONS}, lines": posted(INVOCATIONS, JSON_LINES, table(NDJSON)),
    f"{INVOCATIONS}, Parquet": posted(INVOCATIONS, PARQUET, table(PARQUET), is_text=False),
    f"{INVOCATIONS}, an array": posted(INVOCATIONS, NPY, array, is_text=False, has_booleans=False),
    "score, CSV": scored(".csv", CSV),
    "score, NDJSON": scored(".ndjson", NDJSON),
    "score, Arrow": scored(".arrow", ARROW_FILE, is_text=False),
    "score, Arrow's stream": scored(".arrows", ARROW, is_text=False),
    "score, Parquet": scored(".parquet", PARQUET, is_text=False),
    "train": learnt(read_dataset),
    "evaluate": learnt(read_labelled),
    "client, predict": called("predict"),
    "client, explain": called("explain"),
    "client, what_if": called("what_if"),
    "client, predict_many": called("predict_many", lambda phone: [dict(phone)]),
    "client, a data frame": called("predict_table", frame),
    "client, a table": called("predict_table", lambda phone: pa.Table.from_pylist([dict(phone)])),
}


def those(chosen: Callable[[Door], object]) -> Iterable[str]:
    """Return the names of the doors that are such."""
    return [name for name, door in DOORS.items() if chosen(door)]
