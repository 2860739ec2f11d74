"""Data frames and Arrow tables, there and back."""

import httpx
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from contract.errors import InvalidTableError
from contract.phone import EXAMPLE, FEATURES
from service.client import (
    RefusalError,
)
from service.client.tables import PIECE_ROWS, ArrowStream, specifications_of
from tests.service.client.asking import PHONES, TABLE, Ask, blocking, plainly


def check_frame(service: httpx.Client, answer: pd.DataFrame) -> None:
    for (_, row), phone in zip(answer.iterrows(), PHONES, strict=True):
        plain = plainly(service, "/predict", phone)
        assert row["price_range"] == plain["price_range"]
        assert row["label"] == plain["label"]
        names = ["probability_low", "probability_medium", "probability_high", "probability_very_high"]
        assert [row[name] for name in names] == pytest.approx(plain["probabilities"], abs=1e-6)
        assert row["confidence"] == pytest.approx(plain["confidence"], abs=1e-6)
        assert row["expected_range"] == pytest.approx(plain["expected_range"], abs=1e-6)
        assert row["prediction_set"] == " ".join(map(str, plain["prediction_set"]))


@pytest.mark.parametrize("kind", ["float64", "float32", "int64 where whole", "Int64 where whole", "object"])
def test_a_data_frame_is_answered_with_one_that_has_its_index(
    ask: Ask, service: httpx.Client, kind: str
) -> None:
    first, _, where = kind.partition(" ")
    whole = [name for name in FEATURES if (TABLE[name] % 1 == 0).all()]
    kinds = dict.fromkeys(whole if where else FEATURES, first)
    frame = TABLE.astype(kinds)
    frame = frame[sorted(FEATURES, reverse=True)].assign(price_range=9, note=None)
    frame = frame.set_axis(TABLE.index[::-1] * 3)
    given = frame.copy()
    answer = ask(service.base_url, lambda client: client.predict_table(frame))
    pd.testing.assert_index_equal(answer.index, frame.index)
    pd.testing.assert_frame_equal(frame, given)
    assert answer.attrs["model_version"] == plainly(service, "/predict")["model_version"]
    assert "note" not in answer
    check_frame(service, answer)


def test_an_index_of_several_levels_is_kept(service: httpx.Client) -> None:
    frame = TABLE.set_index(pd.MultiIndex.from_arrays([range(50), ["shop"] * 50], names=["id", "where"]))
    answer = blocking(service.base_url, lambda client: client.predict_table(frame))
    assert frame.join(answer).shape == (50, 30)


def test_an_arrow_table_of_several_pieces_is_answered_with_one(ask: Ask, service: httpx.Client) -> None:
    rows = 2 * PIECE_ROWS + 7
    large = pa.Table.from_pandas(pd.concat([TABLE] * (rows // 50 + 1))[: rows - 3])
    table = pa.concat_tables([large, large[:3]])
    sent = pa.ipc.open_stream(b"".join(ArrowStream(specifications_of(table))))
    assert [batch.num_rows for batch in sent] == [PIECE_ROWS, PIECE_ROWS, 4, 3]
    answer = ask(service.base_url, lambda client: client.predict_table(table))
    assert isinstance(answer, pa.Table)
    assert answer.num_rows == rows
    assert answer.schema.metadata[b"model_version"]
    check_frame(service, answer.slice(0, 50).to_pandas())
    check_frame(service, answer.slice(32_700, 50).to_pandas())


def test_a_bad_row_is_named_by_row_and_column(ask: Ask, service: httpx.Client) -> None:
    frame = TABLE.astype({"n_cores": "float64"})
    frame.iloc[31, frame.columns.get_loc("n_cores")] = 2.5  # type: ignore[index]
    for table in (frame, pa.Table.from_pandas(frame)):
        with pytest.raises(RefusalError, match=r"Row 31 .*column n_cores") as raised:
            ask(service.base_url, lambda client, table=table: client.predict_table(table))
        (violation,) = raised.value.violations
        assert violation.loc == ("body", "row", 31, "n_cores")
        assert violation.type == "multiple_of"


@pytest.mark.parametrize(
    ("frame", "told"),
    [
        (pd.concat([TABLE, TABLE[["ram"]]], axis=1), "Column ram is there more than once"),
        (TABLE.assign(ram="lots"), "Column ram holds .*string"),
        (TABLE.assign(ram=np.nan), "Row 0 .*column ram: The value is missing"),
        (TABLE.assign(ram=True), "Column ram holds bool"),
        (TABLE[:0], "no rows"),
    ],
    ids=["twice", "text", "nothing", "true", "no rows"],
)
def test_a_table_that_is_none_of_phones_is_refused(
    ask: Ask, service: httpx.Client, frame: pd.DataFrame, told: str
) -> None:
    with pytest.raises(RefusalError, match=told) as raised:
        ask(service.base_url, lambda client: client.predict_table(frame))
    assert raised.value.status == 422


@pytest.mark.parametrize("columns", [[], ["ram"], [*FEATURES[1:], "Battery_power"]])
def test_a_column_that_is_missing_is_named_before_anything_is_sent(ask: Ask, columns: list[str]) -> None:
    frame = TABLE.reindex(columns=columns)
    for table in (frame, pa.Table.from_pandas(frame)):
        with pytest.raises(InvalidTableError, match=r"no column battery_power; .*\(mAh\)"):
            ask("http://127.0.0.1:1", lambda client, table=table: client.predict_table(table))


def test_a_column_of_this_and_that_is_refused_without_repeating_it(ask: Ask) -> None:
    mixed = TABLE.astype({"ram": "object"})
    mixed.iloc[3, mixed.columns.get_loc("ram")] = "secret"  # type: ignore[index]
    with pytest.raises(InvalidTableError, match="Column ram holds something else than numbers") as raised:
        ask("http://127.0.0.1:1", lambda client: client.predict_table(mixed))
    assert "secret" not in str(raised.value)


def test_what_is_no_table_is_a_type_error(ask: Ask) -> None:
    with pytest.raises(TypeError, match="not list"):
        ask("http://127.0.0.1:1", lambda client: client.predict_table([EXAMPLE]))
