"""What is kept comes back as it was sent, in answered and in broken rows."""

import csv
import io
import json
from pathlib import Path

import httpx
import pyarrow as pa
import pytest

from contract.bundle import read_current
from contract.errors import InvalidTableError
from contract.phone import EXAMPLE, FEATURES
from service.engine import load_engine
from service.media_type import ARROW, ARROW_FILE, CSV, JSON, NDJSON, PARQUET
from service.predictor import Predictor
from service.scoring.one_process import score
from service.settings import Settings
from service.tables.choices import OnError
from service.tables.readers import open_reader
from service.tables.scoring import TableScorer
from service.tables.writers import open_writer
from tests.running_service import ARTIFACTS
from tests.tables import Row, rows

BUNDLE = read_current(ARTIFACTS)
PREDICTOR = Predictor(BUNDLE, load_engine("onnx", BUNDLE))

SKIP, FAIL = OnError.SKIP, OnError.FAIL
NUMBERS = {name: f"{value:g}" for name, value in EXAMPLE.items()}
PHONE = json.dumps(EXAMPLE)


def answer(kind: str, content: bytes, accept: str, on_error: OnError = SKIP) -> bytes:
    reader = open_reader(kind, True, io.BytesIO(), max_phones=1)
    writer = open_writer(accept, "v", errors=on_error is SKIP, keep=True)
    scorer = TableScorer(PREDICTOR, reader, writer, on_error, max_rows=None)
    return b"".join(scorer.score([content]))


def answers(kind: str, content: bytes, accept: str, on_error: OnError = SKIP) -> list[Row]:
    return rows(accept, answer(kind, content, accept, on_error))


def table(*lines: dict[str, str]) -> bytes:
    """Return CSV, each of its lines the example phone but for what is told."""
    text = io.StringIO()
    writer = csv.DictWriter(text, ["id", *FEATURES, "note"], lineterminator="\n")
    writer.writeheader()
    writer.writerows({"id": "007", **NUMBERS, "note": "", **line} for line in lines)
    return text.getvalue().encode()


def ndjson(*fields: str) -> bytes:
    """Return a phone to a line, with these fields beside its own."""
    return "".join(f"{PHONE[:-1]}, {each}}}\n" for each in fields).encode()


CELLS = [
    "abc",
    "x y",
    "n/a",
    "3,000",
    "",
    "nan",
    "NULL",
    '6.1" OLED',
    " 2048",
    "2048.0",
    "+2048",
    "1e999",
    "0x800",
]


@pytest.mark.parametrize("accept", [CSV, NDJSON, ARROW, PARQUET])
@pytest.mark.parametrize("cell", CELLS)
def test_cells_come_back_as_they_came_in_sound_and_in_broken_rows(accept: str, cell: str) -> None:
    content = table({"note": cell}, {"ram": cell, "note": cell})
    sound, maybe_broken = answers(CSV, content, accept)
    assert (sound["id"], sound["note"]) == ("007", cell)
    assert (maybe_broken["id"], maybe_broken["note"]) == ("007", cell)
    if cell.strip() in ("2048", "2048.0", "+2048"):
        assert float(maybe_broken["ram"]) == 2048
    else:
        assert maybe_broken["error"]
    if accept != NDJSON or (cell != "1e999" and maybe_broken.get("error")):
        assert maybe_broken["ram"] == cell


def test_a_cell_that_is_a_number_is_one_in_json_digit_for_digit() -> None:
    (line,) = answer(CSV, table({"ram": "2.0480e3", "wifi": "+1", "id": "1"}), NDJSON, FAIL).splitlines()
    assert line.startswith(b'{"id":"1","battery_power":')
    assert b'"ram":2.0480e3,' in line
    assert b'"wifi":1.0,' in line


def test_of_a_row_with_another_number_of_cells_those_that_have_a_column_come_back() -> None:
    head, line, *_ = table({"id": "5", "note": "x"}).splitlines()
    content = b"\n".join([head, line + b",more,cells", line.replace(b",x", b""), b"6", line])
    found = answers(CSV, content, CSV)
    assert [each["id"] for each in found] == ["5", "5", "6", "5"]
    assert [each["note"] for each in found] == ["x", "", "", "x"]
    assert [each["ram"] for each in found] == ["2048", "2048", "", "2048"]
    for each, cells in zip(found, (24, 21, 1), strict=False):
        assert f"{cells} cells, but there are 22 columns" in each["error"]


@pytest.mark.parametrize("accept", [CSV, NDJSON, ARROW, PARQUET])
def test_the_type_of_a_column_does_not_depend_on_the_first_rows(accept: str) -> None:
    content = table(*[{}] * 4_600, {"ram": "x"})
    found = answers(CSV, content, accept)
    assert found[-1]["ram"] == "x"
    assert {str(each["ram"]) for each in found[:-1]} == {"2048"}


@pytest.mark.parametrize("accept", [ARROW, PARQUET, ARROW_FILE])
@pytest.mark.parametrize("kind", [CSV, NDJSON])
def test_specifications_are_columns_of_numbers_where_no_row_may_be_broken(kind: str, accept: str) -> None:
    content = table({"ram": "2048.0"}, {}) if kind == CSV else ndjson('"id": "007"', '"id": "007"')
    scored = answer(kind, content, accept, FAIL)
    found = pa.ipc.open_file(scored).read_all().to_pylist() if accept == ARROW_FILE else rows(accept, scored)
    assert [each["ram"] for each in found] == [2048.0, 2048.0]
    assert [each["id"] for each in found] == ["007", "007"]


VALUES = [
    "1",
    "2.5",
    '"a"',
    "true",
    "null",
    "9007199254740993",
    "1e999",
    '{"b": [1,  2], "a": {}}',
    '"\\u00e9\\ud83d\\ude00"',
]
VALUES += ["[" * 900 + "]" * 900, "1.50", '""', '"\\n"', "[]", "-0"]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: value[:20])
@pytest.mark.parametrize("bad", [False, True], ids=["sound", "broken"])
def test_values_of_ndjson_come_back_as_they_were_written(value: str, bad: bool) -> None:
    content = ndjson(f'"x": {value}', '"x": 1')
    content = content.replace(b'"ram": 2048', b'"ram": -1') if bad else content
    line = answer(NDJSON, content, NDJSON).splitlines()[0]
    assert f'"x":{value}'.encode() in line
    assert (b'"error":' in line) == bad


AS_TEXT = {
    "1": "1",
    "2.50": "2.50",
    '"a"': "a",
    "true": "true",
    "null": None,
    "9007199254740993": "9007199254740993",
    "1e999": "1e999",
    '["a"]': '["a"]',
    "{}": "{}",
    "[" * 900 + "]" * 900: "[" * 900 + "]" * 900,
}


@pytest.mark.parametrize("accept", [CSV, ARROW, PARQUET])
def test_values_of_ndjson_are_text_in_columns(accept: str) -> None:
    content = ndjson(*(f'"x": {value}' for value in AS_TEXT), '"y": 1').replace(b', "y": 1', b"")
    found = [each["x"] or None for each in answers(NDJSON, content, accept)]
    assert found == [*AS_TEXT.values(), None]


@pytest.mark.parametrize("accept", [CSV, NDJSON, ARROW, PARQUET])
def test_a_line_that_cannot_be_kept_whole_is_broken_and_gives_back_what_can_be(accept: str) -> None:
    content = ndjson('"x": 1, "y": "a"', '"x": 2, "y": "BAD"').replace(b"BAD", b"\xff")
    sound, broken = answers(NDJSON, content, accept)
    assert str(sound["x"]) == "1"
    assert not sound.get("error")
    assert str(broken["x"]) == "2"
    assert not broken.get("y")
    assert "Line 2" in str(broken["error"])
    with pytest.raises(InvalidTableError) as caught:
        answer(NDJSON, content, accept, FAIL)
    assert caught.value.violations[0].loc == ("line", 2)


@pytest.mark.parametrize("bad", [b"[1]", b"5", b"{", b'{"\xff": 1}'])
def test_a_line_that_is_no_object_is_a_broken_row_and_others_are_kept(bad: bytes) -> None:
    content = ndjson('"x": 1') + bad + b"\n" + ndjson('"x": 2')
    found = answers(NDJSON, content, NDJSON)
    assert [each.get("x") for each in found] == [1, None, 2]
    assert [bool(each.get("error")) for each in found] == [False, True, False]


def test_lines_of_ndjson_have_their_own_fields_and_no_others() -> None:
    content = ndjson(*['"x": 1'] * 2_000, '"y": 2, "price_range": 3')
    *_, before, last = answers(NDJSON, content, NDJSON)
    assert "y" not in before
    assert "x" not in last
    assert (last["y"], last["price_range_given"]) == (2, 3)


def test_a_field_that_a_later_line_lacks_is_null_in_columns() -> None:
    found = answers(NDJSON, ndjson(*['"x": 1'] * 2_000, '"x": null').replace(b', "x": null', b""), PARQUET)
    assert [each["x"] for each in found] == ["1"] * 2_000 + [None]


@pytest.mark.parametrize("accept", [JSON, CSV, NDJSON, ARROW, PARQUET])
def test_kept_rows_of_broken_tables_are_answered_over_http(service: httpx.Client, accept: str) -> None:
    content = table(*[{}] * 4_600, {"ram": "x", "note": "n/a"})
    headers = {"Content-Type": CSV, "Accept": accept}
    choices = {"keep": "all", "on_error": "skip"}
    response = service.post("/predict/batch", content=content, headers=headers, params=choices)
    assert response.status_code == 200
    *_, sound, broken = rows(accept, response.content)
    assert (broken["ram"], broken["note"]) == ("x", "n/a")
    assert str(sound["ram"]) == "2048"


@pytest.mark.parametrize("ending", [".csv", ".ndjson", ".arrow", ".arrows", ".parquet"])
def test_score_keeps_rows_as_they_are(tmp_path: Path, ending: str) -> None:
    source, target = tmp_path / "in.csv", tmp_path / f"out{ending}"
    source.write_bytes(table(*[{}] * 4_600, {"ram": "x"}))
    settings = Settings(artifacts=ARTIFACTS)
    kinds = (".csv", ending)
    found = score(settings, source, target, kinds=kinds, keep=True, on_error=SKIP, watch=lambda *_: None)
    assert (found.rows, found.broken) == (4_601, 1)
