"""What is said of a table that cannot be read or kept."""

import json
from io import BytesIO

import pyarrow as pa
import pytest

from contract.errors import InvalidTableError
from contract.phone import EXAMPLE, FEATURES
from service.media_type import ARROW, CSV, NDJSON
from service.tables.kept.names import free_names
from service.tables.readers import open_reader
from tests.running_service import ARTIFACTS

PHONE = json.dumps(EXAMPLE)[:-1]


def words(kind: str, content: bytes, keep: bool = False) -> str:
    reader = open_reader(kind, keep, BytesIO(content), 10)
    try:
        rows = [*reader.feed(content), *reader.finish()]
    except InvalidTableError as error:
        return str(error)
    return " ".join(found.msg for each in rows for wrong in each.broken.values() for found in wrong)


@pytest.mark.parametrize(
    ("field", "told"),
    [
        (b'"a":NaN', "NaN and Infinity are not JSON; send null"),
        (b'"a":-Infinity', "NaN and Infinity are not JSON; send null"),
        (b'"a":"\\ud800"', "half of a surrogate pair"),
        (b'"\\ud800":1', "half of a surrogate pair"),
    ],
)
def test_what_of_a_field_cannot_be_kept_is_named(field: bytes, told: str) -> None:
    assert told in words(NDJSON, PHONE.encode() + b"," + field + b"}\n", keep=True)


def test_half_of_a_surrogate_pair_is_named_where_nothing_is_kept() -> None:
    assert "half of a surrogate pair" in words(NDJSON, PHONE.encode() + b',"a":"\\ud800"}\n')


def test_a_column_that_is_there_twice_is_told_in_a_sentence() -> None:
    table = pa.table([[EXAMPLE[name]] for name in FEATURES] + [[1]], names=[*FEATURES, "ram"])
    sink = BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    assert words(ARROW, sink.getvalue()).startswith("Column ram is there more than once; ram must be")


@pytest.mark.parametrize("names", [["", ""], [" ", " "]])
def test_columns_without_a_name_are_called_so(names: list[str]) -> None:
    with pytest.raises(InvalidTableError, match="Two columns have no name; name one to keep both"):
        free_names(names, frozenset())


@pytest.mark.parametrize("kind", [CSV, NDJSON])
def test_a_table_without_rows_is_called_so(kind: str) -> None:
    from service.predictor import load_predictor
    from service.settings import Settings
    from service.tables.choices import OnError
    from service.tables.scoring import TableScorer
    from service.tables.writers import open_writer

    predictor = load_predictor(Settings(artifacts=ARTIFACTS))
    writer = open_writer(NDJSON, predictor.version, errors=False, keep=False)
    content = ",".join(FEATURES).encode() if kind == CSV else b"\n"
    scorer = TableScorer(predictor, open_reader(kind, False, BytesIO(), 10), writer, OnError.FAIL, None)
    with pytest.raises(InvalidTableError, match="The table has no rows: send at least one"):
        list(scorer.score([content]))
