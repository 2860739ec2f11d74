"""POST /invocations: every form that MLflow and SageMaker send gets the answers of POST /predict."""

import csv
import io
import json
from typing import Any

import httpx
import numpy as np
import pandas as pd
import pytest

from contract.phone import EXAMPLE, FEATURES
from tests.service.protocols.phones import PHONES, ROWS, WRONG, predicted

FRAME = pd.DataFrame(PHONES, index=list("abcd"))[sorted(FEATURES)].assign(shop="x")
"""Columns in another order, one more of text, and an index of text."""


def saved(array: Any, **options: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, array, **options)
    return file.getvalue()


def parquet(frame: pd.DataFrame) -> bytes:
    file = io.BytesIO()
    frame.to_parquet(file)
    return file.getvalue()


BARE = "".join(",".join(map(str, row)) + "\n" for row in ROWS)

JSON_FORMS: dict[str, object] = {
    "dataframe_split": {"dataframe_split": json.loads(FRAME.to_json(orient="split"))},
    "dataframe_records": {"dataframe_records": json.loads(FRAME.to_json(orient="records"))},
    "instances by name": {"instances": PHONES},
    "instances in order": {"instances": ROWS},
    "inputs in order": {"inputs": ROWS},
    "inputs by column": {"inputs": {name: FRAME[name].tolist() for name in FRAME.columns}},
    "with params": {"inputs": ROWS, "params": {}},
    "as Vertex has it": {"instances": ROWS, "parameters": {}},
    "a list": ROWS,
}

BODIES: dict[str, tuple[str, bytes]] = {
    **{name: ("application/json", json.dumps(form).encode()) for name, form in JSON_FORMS.items()},
    "JSON with a charset": ("application/json; charset=utf-8", json.dumps({"inputs": ROWS}).encode()),
    "JSON without a type": ("", json.dumps({"inputs": ROWS}).encode()),
    "CSV with a header": ("text/csv", FRAME.to_csv(index=False).encode()),
    "CSV without a header": ("text/csv", BARE.encode()),
    "CSV without a header or a last line's end": ("text/csv; charset=utf-8", BARE.rstrip().encode()),
    "CSV without a header, with a BOM": ("text/csv", b"\xef\xbb\xbf" + BARE.encode()),
    "CSV without a header, quoted": (
        "text/csv",
        ('"' + BARE.replace(",", '","').replace("\n", '"\n"')[:-1]).encode(),
    ),
    "CSV without a header, of Windows": ("text/csv", BARE.replace("\n", "\r\n").encode()),
    "JSON lines by name": ("application/jsonlines", "\n".join(map(json.dumps, PHONES)).encode()),
    "JSON lines in order": ("application/jsonlines", "\n".join(map(json.dumps, ROWS)).encode() + b"\n\n"),
    "JSON lines after many blanks": (
        "application/jsonlines",
        "\n".join(" " * 100 + json.dumps(row) for row in ROWS).encode(),
    ),
    "Parquet": ("application/vnd.apache.parquet", parquet(FRAME)),
    "Parquet as SageMaker has it": ("application/x-parquet", parquet(FRAME)),
    "NumPy": ("application/x-npy", saved(np.array(ROWS))),
    "NumPy by columns": ("application/x-npy", saved(np.asfortranarray(ROWS))),
    "NumPy of Python 2": (
        "application/x-npy",
        saved(np.array(ROWS)).replace(b"(4, 20), }  ", b"(4L, 20L), }"),
    ),
    "NumPy in float32": ("application/x-npy", saved(np.array(ROWS, np.float32))),
    "NumPy in big-endian": ("application/x-npy", saved(np.array(ROWS, ">f8"))),
}


def posted(service: httpx.Client, kind: str, content: bytes | str, accept: str = "") -> httpx.Response:
    headers = {name: value for name, value in (("Content-Type", kind), ("Accept", accept)) if value}
    return service.post("/invocations", content=content, headers=headers)


def refusal(answer: httpx.Response) -> str:
    assert (answer.status_code, answer.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE"), answer.text
    return str(answer.json()["message"])


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_every_form_gets_the_answers_of_predict(service: httpx.Client, body: tuple[str, bytes]) -> None:
    answer = posted(service, *body)
    assert answer.json() == {"predictions": predicted(service)}


def test_one_phone_as_numpy_may_be_a_row(service: httpx.Client) -> None:
    answer = posted(service, "application/x-npy", saved(np.array(ROWS[1])))
    assert answer.json()["predictions"] == predicted(service)[1:2]


def test_answers_come_as_csv_lines_without_a_header(service: httpx.Client) -> None:
    """One for each line that came, as batch transform joins them."""
    answer = posted(service, "text/csv", BARE, "text/csv")
    assert answer.headers["content-type"].startswith("text/csv")
    for line, due in zip(csv.reader(io.StringIO(answer.text)), predicted(service), strict=True):
        price_range, *probabilities = line
        assert int(price_range) == due["price_range"]
        assert list(map(float, probabilities)) == due["probabilities"]


def test_answers_come_as_json_lines(service: httpx.Client) -> None:
    answer = posted(service, "application/jsonlines", json.dumps(PHONES[0]), "application/jsonlines")
    assert answer.headers["content-type"] == "application/jsonlines"
    assert [json.loads(line) for line in answer.text.splitlines()] == predicted(service)[:1]


def test_an_answer_that_there_is_not_is_refused(service: httpx.Client) -> None:
    answer = posted(service, "text/csv", BARE, "image/png")
    assert answer.status_code == 406
    assert "application/json or text/csv or application/jsonlines" in answer.json()["message"]


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({}, "one of dataframe_split, dataframe_records, instances, inputs"),
        ({"instances": ROWS, "inputs": ROWS}, "a list of phones; there are instances and inputs"),
        ({"data": ROWS}, "one of dataframe_split, dataframe_records, instances, inputs; it has data"),
        ({"instances": ROWS[0]}, "instances[0] is neither a list nor an object: put the 20 numbers"),
        (ROWS[0], "instances[0] is neither a list nor an object"),
        (5, "must be a JSON object with one of dataframe_split, dataframe_records, instances, inputs"),
        ({"dataframe_split": {"columns": [*FEATURES, [1]], "data": [[*ROWS[0], 1]]}}, '"columns", a list'),
        ({"dataframe_split": {"columns": ["ram"], "data": [[1]]}}, "There is no column battery_power, blue"),
        ({"dataframe_split": {"columns": list(range(20)), "data": ROWS}}, "There is no column battery_power"),
        ({"dataframe_split": {"columns": list(FEATURES), "data": []}}, "There are no phones"),
        (
            {"dataframe_split": {"columns": list(FEATURES), "data": [[1]]}},
            "Row 0 (counted from 0) has 1 values",
        ),
        (
            {"dataframe_split": {"columns": [*FEATURES, "ram"], "data": [[*ROWS[0], 1]]}},
            "Column ram is there twice",
        ),
        ({"dataframe_split": {"data": ROWS}}, '"columns", a list of names'),
        (
            {"dataframe_split": {"columns": list(FEATURES), "data": [["x"] * 20]}},
            "battery_power holds what is no number",
        ),
        ({"dataframe_records": [WRONG]}, "dataframe_records[0].wifi: Input should be less"),
        ({"inputs": {name: [value] for name, value in WRONG.items()}}, "Row 0 (counted from 0), column wifi"),
        ({"inputs": {**{name: [1, 1] for name in FEATURES}, "ram": [1]}}, "The columns differ in length"),
        ({"inputs": {name: [None] for name in FEATURES}}, "column battery_power: The value is missing"),
        ({"inputs": {"ram": 5}}, "a list for each specification"),
        ({"inputs": "x"}, "a list for each specification"),
    ],
)
def test_wrong_json_is_refused_with_what_was_expected(
    service: httpx.Client, form: object, words: str
) -> None:
    assert words in refusal(posted(service, "application/json", json.dumps(form)))


@pytest.mark.parametrize(
    ("kind", "content", "words"),
    [
        ("application/json", b"{", "The body is not JSON"),
        ("application/json", b'{"dataframe_split": {"columns": ["\xf5"], "data": []}}', '"columns", a list'),
        ("application/json", json.dumps({"inputs": [[float("nan")] * 20]}), "NaN and Infinity are not JSON"),
        ("text/csv", BARE + BARE.replace("2048", "-1"), "Line 5, column ram: Input should be greater"),
        ("text/csv", FRAME.drop(columns="ram").to_csv(index=False), "no column ram"),
        ("text/csv", BARE + "1,2\n", "Line 5: 2 cells, but there are 20 columns"),
        ("text/csv", "1,2,3\n", "Line 1 holds 3 numbers; send 20"),
        ("text/csv", "", "table is empty"),
        ("text/csv", BARE.replace("2048", "").replace("\n", "\r\n"), "Line 1, column ram: The cell is empty"),
        ("text/csv", BARE.replace("2048", "much"), "Line 1, column ram: Input should be a valid number"),
        (
            "text/csv",
            FRAME.to_csv(index=False, lineterminator="\r"),
            "Line 1 ends in a carriage return alone",
        ),
        ("text/csv", BARE.replace("\n", "\r"), "Line 1 ends in a carriage return alone"),
        ("application/json", BARE, "if it is CSV, send Content-Type: text/csv"),
        ("application/jsonlines", "1\n2", "Line 1: phone is neither a list nor an object"),
        (
            "application/jsonlines",
            json.dumps(EXAMPLE) + "\nx",
            "Line 2: phone is neither a list nor an object",
        ),
        ("application/jsonlines", json.dumps(EXAMPLE) + "\n" + json.dumps(WRONG), "Line 2: phone.wifi"),
        ("application/jsonlines", f"{ROWS[0]},{ROWS[1]}\n{ROWS[2]}", "Line 1: phone is not JSON"),
        ("application/jsonlines", f'{ROWS[0]}\n[1, "blue": 1]', "Line 2: phone is not JSON"),
        (
            "application/jsonlines",
            f"{json.dumps(EXAMPLE)},{json.dumps(EXAMPLE)}",
            "Line 1: phone: The body is not JSON",
        ),
        ("application/jsonlines", "", "There are no phones"),
        ("application/vnd.apache.parquet", b"PAR1", "not Parquet"),
        ("application/x-npy", b"", "no array as numpy.save writes it"),
        ("application/x-npy", saved(np.array(ROWS)).replace(b"}", b"{"), "no array as numpy.save writes it"),
        ("application/x-npy", saved(np.array(ROWS))[:-1], "not as long as the array's shape says"),
        ("application/x-npy", saved(np.array(ROWS)[:, 1:]), "shape (n, 20)"),
        ("application/x-npy", saved(np.array(ROWS)[:0]), "shape (n, 20)"),
        ("application/x-npy", saved(np.array(ROWS)).replace(b"(4,", b"(True,"), "shape (n, 20)"),
        ("application/x-npy", saved(np.array(ROWS, complex)), "must hold numbers"),
        ("application/x-npy", saved(np.array([list(WRONG.values())])), "Row 0 (counted from 0), column wifi"),
    ],
)
def test_wrong_bodies_of_other_kinds_are_refused(
    service: httpx.Client, kind: str, content: bytes | str, words: str
) -> None:
    assert words in refusal(posted(service, kind, content))


def test_a_pickle_in_an_array_is_not_opened(service: httpx.Client) -> None:
    answer = posted(service, "application/x-npy", saved(np.array([EXAMPLE]), allow_pickle=True))
    assert "objects are not unpickled" in refusal(answer)


def test_many_lines_are_read_a_piece_at_a_time(service: httpx.Client) -> None:
    """More of them than a piece holds, by name and in order, with blank ones between."""
    lines = [json.dumps(PHONES[0]), json.dumps(ROWS[1]), "", json.dumps(PHONES[2]), json.dumps(ROWS[3])] * 400
    answer = posted(service, "application/jsonlines", "\n".join(lines))
    assert answer.json()["predictions"] == predicted(service) * 400
    lines[-1] = json.dumps(WRONG)
    assert "Line 1600: phone.wifi" in refusal(posted(service, "application/jsonlines", "\n".join(lines)))
    assert "There are no phones" in refusal(posted(service, "application/jsonlines", "\n" * 1_000_000))


@pytest.mark.parametrize("kind", ["digits and a letter", "numbers and a letter"])
def test_long_lines_of_digits_are_refused_at_once(service: httpx.Client, kind: str) -> None:
    """They were once tried in all the ways in which they are not a number."""
    line = "1" * 500_000 if kind == "digits and a letter" else ",".join(["1" * 50] * 10_000)
    assert refusal(posted(service, "text/csv", f"{line}x\n{line}x\n"))


def test_an_array_that_tells_an_enormous_shape_is_refused(service: httpx.Client) -> None:
    header = {"descr": "<f8", "fortran_order": False, "shape": (10**15, 20)}
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, header)
    assert "not as long" in refusal(posted(service, "application/x-npy", file.getvalue() + bytes(160)))


@pytest.mark.parametrize("kind", ["text/plain", "application/octet-stream", "text/csv; charset=latin-1"])
def test_another_content_type_is_refused_in_plain_text_as_by_mlflow(service: httpx.Client, kind: str) -> None:
    answer = posted(service, kind, BARE)
    assert (answer.status_code, answer.headers["content-type"]) == (415, "text/plain; charset=utf-8")
    assert "UTF-8" in answer.text or "application/json or text/csv" in answer.text
    assert answer.headers["accept"].startswith("application/json, text/csv, ")


def test_what_looks_after_a_container_is_answered(service: httpx.Client) -> None:
    ping = service.get("/ping")
    assert (ping.status_code, ping.content) == (200, b"")
    assert service.get("/version").text == service.get("/openapi.json").json()["info"]["version"]
    assert service.get("/execution-parameters").json() == {
        "MaxConcurrentTransforms": 16,
        "BatchStrategy": "MULTI_RECORD",
        "MaxPayloadInMB": 8,
    }
