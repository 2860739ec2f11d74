import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from contract.errors import DataError
from contract.phone import FEATURES
from training.dataset import default_path, read_dataset, read_labelled, split
from training.labels import LABEL
from training.made_up import make_sample
from training.recipe import Split

STRATIFIED = Split(held_out=0.2, random_state=88, stratified=True)


@pytest.fixture
def table() -> pd.DataFrame:
    return make_sample(rows=80, seed=5)


def written(table: pd.DataFrame, folder: Path) -> Path:
    path = folder / "phones.csv"
    table.to_csv(path, index=False)
    return path


def refusal(path: Path) -> str:
    with pytest.raises(DataError) as caught:
        read_dataset(path)
    return str(caught.value)


def test_the_table_is_read_as_pandas_reads_it(table: pd.DataFrame, tmp_path: Path) -> None:
    phones = read_dataset(written(table, tmp_path)).phones
    pd.testing.assert_frame_equal(phones.features, table[list(FEATURES)].astype("float64"))
    assert phones.labels.tolist() == table[LABEL].tolist()


def test_columns_in_another_order_and_a_leading_id_make_no_difference(
    table: pd.DataFrame, tmp_path: Path
) -> None:
    (tmp_path / "plain").mkdir()
    plain = read_dataset(written(table, tmp_path / "plain")).phones
    shuffled = table[table.columns[::-1]]
    shuffled.insert(0, "id", range(80))
    other = read_dataset(written(shuffled, tmp_path)).phones
    pd.testing.assert_frame_equal(plain.features, other.features)
    pd.testing.assert_series_equal(plain.labels, other.labels)


def test_the_real_table_is_read_whole(real_table: Path) -> None:
    dataset = read_dataset(real_table)
    assert len(dataset.phones) == 2000
    assert dataset.sha256.startswith("f9e8cd31")
    assert np.bincount(dataset.phones.classes).tolist() == [500] * 4


@pytest.mark.parametrize(
    ("column", "cell", "told"),
    [
        ("ram", "", "Line 9, column ram: The cell is empty"),
        ("ram", "lots", "Line 9, column ram: Input should be a valid number"),
        ("n_cores", "2.5", "Line 9, column n_cores: Input should be a multiple of 1"),
        ("blue", "2", "blue must be 0 or 1"),
        ("mobile_wt", "-80", "mobile_wt must be a whole number from 20 to 2000"),
        (LABEL, "4", f"Line 9, column {LABEL}: "),
        (LABEL, "-1", f"Line 9, column {LABEL}: "),
        (LABEL, "1.5", f"Line 9, column {LABEL}: "),
        (LABEL, "", f"Line 9, column {LABEL}: The cell is empty"),
    ],
)
def test_a_bad_cell_is_named(table: pd.DataFrame, tmp_path: Path, column: str, cell: str, told: str) -> None:
    text = table.astype(str)
    text.loc[7, column] = cell
    message = refusal(written(text, tmp_path))
    assert told in message
    assert message.count("\n") == 1


def test_many_bad_rows_make_one_message_of_a_readable_length(table: pd.DataFrame, tmp_path: Path) -> None:
    message = refusal(written(table.assign(ram=-1, pc="many", wifi=""), tmp_path))
    assert message.count("Line 2, column ") == message.count("\n") == 3
    assert message.count("(and so in 79 more lines)") == 3


def test_many_kinds_of_faults_make_one_message_of_a_readable_length(
    table: pd.DataFrame, tmp_path: Path
) -> None:
    message = refusal(written(table.assign(**dict.fromkeys(FEATURES, "many")), tmp_path))
    assert message.count("Line 2, column ") == 10
    assert message.endswith("and 10 more kinds of faults")


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        (lambda labels: labels + 1, "price_range: labels run from 1 to 4; expected 0 to 3: subtract 1"),
        (lambda labels: labels.astype("float") + 1, "price_range: labels run from 1 to 4; expected 0 to 3"),
        (
            lambda labels: labels.map({0: "low", 1: "medium", 2: "high", 3: "very high"}),
            "price_range holds words; write numbers for them: 0 (low), 1 (medium), 2 (high), 3 (very high)",
        ),
    ],
    ids=["1 to 4", "1.0 to 4.0", "words"],
)
def test_labels_that_are_told_in_another_way_are_named_once(
    table: pd.DataFrame, tmp_path: Path, labels: Callable[[pd.Series], pd.Series], told: str
) -> None:
    path = written(table.assign(price_range=labels(table[LABEL])), tmp_path)
    (_, line) = refusal(path).splitlines()
    assert line.strip().startswith(told)


def test_other_faults_are_told_beside_the_labels(table: pd.DataFrame, tmp_path: Path) -> None:
    _, labels, ram = refusal(
        written(table.assign(price_range=table[LABEL] + 1, ram=-1), tmp_path)
    ).splitlines()
    assert "subtract 1" in labels
    assert "column ram" in ram


def test_a_table_to_measure_on_may_be_small(table: pd.DataFrame, tmp_path: Path) -> None:
    assert len(read_labelled(written(table.head(1), tmp_path)).phones) == 1


@pytest.mark.parametrize("column", ["ram", LABEL])
def test_a_missing_column_is_named(table: pd.DataFrame, tmp_path: Path, column: str) -> None:
    assert f"no column {column}" in refusal(written(table.drop(columns=column), tmp_path))


def test_too_few_rows_of_a_price_range_are_refused(table: pd.DataFrame, tmp_path: Path) -> None:
    few = table[(table[LABEL] != 3) | (table.index < 12)]
    told = refusal(written(few, tmp_path))
    assert "with price_range 3 (very high), copies counted once; at least 10" in told


@pytest.mark.parametrize("label", ["-1", "1.5", "4", "nan", "", "low"])
def test_a_label_that_is_none_is_told_what_it_must_be(
    table: pd.DataFrame, tmp_path: Path, label: str
) -> None:
    path = written(table.assign(price_range=[label, *table[LABEL][1:]]), tmp_path)
    assert "price_range must be one of 0 (low), 1 (medium), 2 (high), 3 (very high)" in refusal(path)


def test_json_is_told_to_be_sent_as_csv(table: pd.DataFrame, tmp_path: Path) -> None:
    path = tmp_path / "phones.csv"
    table.to_json(path, orient="records")
    assert "send CSV, not JSON" in refusal(path)


def test_what_has_no_end_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "phones.csv")
    for path in (tmp_path / "phones.csv", Path("/dev/zero")):
        assert "cannot be read: it is a FIFO, a socket or a device" in refusal(path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert "nothing.csv cannot be read: No such file" in refusal(tmp_path / "nothing.csv")


def test_a_stratified_split_has_the_classes_in_proportion_and_no_phone_twice(
    table: pd.DataFrame, tmp_path: Path
) -> None:
    phones = read_dataset(written(table, tmp_path)).phones
    training, held_out = split(phones, STRATIFIED)
    assert np.bincount(training.classes).tolist() == [16] * 4
    assert np.bincount(held_out.classes).tolist() == [4] * 4
    assert sorted([*training.labels.index, *held_out.labels.index]) == list(range(80))


def test_the_split_repeats_with_its_random_state_and_changes_with_another(
    table: pd.DataFrame, tmp_path: Path
) -> None:
    phones = read_dataset(written(table, tmp_path)).phones
    first, again = (split(phones, STRATIFIED)[1].labels.index.tolist() for _ in range(2))
    other = split(phones, STRATIFIED.model_copy(update={"random_state": 89}))[1].labels.index.tolist()
    assert first == again
    assert first != other


def test_the_table_to_train_on_is_the_named_one_else_ones_own_else_the_sample(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PHONE_PRICE_DATA", raising=False)
    assert default_path() == Path("data/sample.csv")
    Path("data").mkdir()
    Path("data/phones.csv").touch()
    assert default_path() == Path("data/phones.csv")
    monkeypatch.setenv("PHONE_PRICE_DATA", "elsewhere.csv")
    assert default_path() == Path("elsewhere.csv")
