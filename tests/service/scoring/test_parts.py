"""A table scored piece by piece: the parts together are what one process writes, or there is an error."""

import json
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from contract.errors import ClusterError, InvalidTableError, TableFileError
from contract.phone import EXAMPLE
from service.media_type import CSV, NDJSON, PARQUET
from service.predictor import Predictor, load_predictor
from service.scoring.one_process import score
from service.scoring.parts import Plan, Report, leave_model, left_model, score_piece
from service.scoring.pieces import Piece, cut
from service.scoring.table_file import folder_beside, kind_of, tables_in
from service.scoring.tally import Tally
from service.settings import Settings
from service.tables.choices import OnError
from tests.running_service import ARTIFACTS
from tests.tables import Row, body
from training.made_up import PUBLISHED_RANGES, make_up_phones

SETTINGS = Settings(artifacts=ARTIFACTS)
PHONES: list[Row] = make_up_phones(2_000, PUBLISHED_RANGES, seed=9).to_dict("records")  # type: ignore[assignment]


@pytest.fixture(scope="module")
def predictor(tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    """As an actor has it: of a bundle that was read by another."""
    left = plan(tmp_path_factory.mktemp("left"))
    leave_model(left, load_predictor(SETTINGS).bundle, "onnx")
    return left_model(left)


def test_a_folder_that_is_not_the_same_on_all_nodes_is_told(tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match="OUTPUT is not to be reached by its path from all nodes"):
        left_model(plan(tmp_path))


def plan(folder: Path, keep: bool = False, on_error: OnError = OnError.SKIP) -> Plan:
    return Plan(folder, folder.parent / "OUTPUT", ".parquet", PARQUET, keep, on_error)


def by_pieces(predictor: Predictor, source: Path, keep: bool, size: int = 30_000) -> pa.Table:
    """Score a file piece by piece, the last first, and read the folder of parts as one table."""
    target = source.with_name("parts")
    with folder_beside(target) as folder:
        tally, how = Tally([source]), plan(folder, keep)
        for piece in reversed(list(cut(source, kind_of(source, ""), 0, size, rows=300))):
            tally.add(score_piece(predictor, piece, how), how)
        tally.check_whole(folder)
    return pa.concat_tables(parquet.read_table(path) for path in sorted(target.iterdir()))


def at_once(source: Path, keep: bool) -> pa.Table:
    target = source.with_name("answers.parquet")
    kinds = ("", "")
    score(SETTINGS, source, target, kinds=kinds, keep=keep, on_error=OnError.SKIP, watch=lambda *_: None)
    return parquet.read_table(target)


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize(("kind", "ending"), [(CSV, "csv"), (NDJSON, "ndjson"), (PARQUET, "parquet")])
def test_parts_together_are_the_table_that_one_process_writes(
    predictor: Predictor, tmp_path: Path, kind: str, ending: str, keep: bool
) -> None:
    phones = [{"shop": f'{row}, "x"', **phone} for row, phone in enumerate(PHONES)]
    phones[1_500]["ram"] = -1  # such a piece has its numbers read as decimals
    source = tmp_path / f"phones.{ending}"
    if kind == PARQUET:
        parquet.write_table(pa.Table.from_pylist(phones), source, row_group_size=100)
    else:
        source.write_bytes(body(kind, phones))
    found = by_pieces(predictor, source, keep)
    assert found.equals(at_once(source, keep), check_metadata=True)
    assert found["error"].null_count == 1_999


def test_a_column_that_comes_late_is_refused_as_in_one_process(predictor: Predictor, tmp_path: Path) -> None:
    source = tmp_path / "phones.ndjson"
    source.write_bytes(body(NDJSON, PHONES) + json.dumps({**EXAMPLE, "shop": "a"}).encode())
    with pytest.raises(TableFileError) as told_at_once:
        at_once(source, keep=True)
    with pytest.raises(TableFileError) as told_by_pieces:
        by_pieces(predictor, source, keep=True)
    assert "no column shop" in str(told_by_pieces.value)
    assert str(told_by_pieces.value) == str(told_at_once.value)


def test_a_piece_of_blank_lines_has_no_part_and_a_table_of_them_is_refused(
    predictor: Predictor, tmp_path: Path
) -> None:
    source = tmp_path / "phones.csv"
    header, *rows = body(CSV, PHONES).splitlines(keepends=True)
    source.write_bytes(header + b"".join(rows[:100]) + b"\n" * 50_000 + b"".join(rows[100:]))
    assert by_pieces(predictor, source, keep=False, size=5_000).equals(at_once(source, keep=False))
    source = tmp_path / "empty.csv"
    source.write_bytes(header + b"\n" * 50_000)
    (tmp_path / "blank.ndjson").write_bytes(b"\n" * 50_000)
    (tmp_path / "parts").rename(tmp_path / "before")
    with pytest.raises(TableFileError, match=r"empty.csv cannot be scored:\n .*send at least one"):
        by_pieces(predictor, source, keep=False, size=5_000)
    with pytest.raises(TableFileError, match=r"blank.ndjson cannot be scored:\n .*send at least one"):
        by_pieces(predictor, tmp_path / "blank.ndjson", keep=True, size=5_000)


def test_what_is_wrong_is_reported_with_the_file_and_leaves_no_part(
    predictor: Predictor, tmp_path: Path
) -> None:
    source, folder = tmp_path / "phones.csv", tmp_path / "parts"
    folder.mkdir()
    source.write_bytes(body(CSV, [*PHONES, {**EXAMPLE, "ram": -1}]))
    whole = Piece(source, CSV, 0, end=source.stat().st_size)
    cases = [
        (whole, plan(folder, on_error=OnError.FAIL), "phones.csv cannot be scored:\n  Line 2002, column ram"),
        (whole._replace(end=whole.end + 1), plan(folder), "phones.csv became shorter while it was read"),
        (whole._replace(path=tmp_path / "no.csv"), plan(folder), "no.csv cannot be read: No such file"),
        (whole, plan(tmp_path / "no"), "OUTPUT cannot be written: No such file"),
    ]
    for piece, how, told in cases:
        report = score_piece(predictor, piece, how)
        assert isinstance(report.error, TableFileError)
        assert not isinstance(report.error, InvalidTableError)
        assert told in str(report.error)
        assert list(folder.iterdir()) == []


def test_nothing_is_whole_unless_each_piece_is_there_once(predictor: Predictor, tmp_path: Path) -> None:
    source, folder = tmp_path / "phones.csv", tmp_path / "parts"
    folder.mkdir()
    source.write_bytes(body(CSV, PHONES))
    how = plan(folder)
    reports = [score_piece(predictor, piece, how) for piece in cut(source, CSV, 0, 30_000)]
    assert len(reports) > 3

    def checked(reported: list[Report]) -> None:
        tally = Tally([source])
        for report in reported:
            tally.add(report, how)
        tally.check_whole(folder)

    (folder / ".part-of-one-that-was-killed").write_text("half")
    score_piece(predictor, reports[1].piece, how)  # again, as after a kill
    checked(reports)
    assert len(list(folder.iterdir())) == len(reports)
    for lacking in (reports[1:], reports[:-1], reports[:2] + reports[3:], []):
        with pytest.raises(ClusterError, match="has not given all pieces back"):
            checked(lacking)
    with pytest.raises(ClusterError, match="gave piece 1 twice"):
        checked([*reports, reports[1]])
    (folder / "part-000000-000002.parquet").unlink()
    with pytest.raises(ClusterError, match="not all parts have come"):
        checked(reports)


def test_a_folder_comes_whole_or_not_at_all_and_only_where_nothing_is(tmp_path: Path) -> None:
    target = tmp_path / "OUTPUT"
    with suppress(ZeroDivisionError), folder_beside(target) as folder:
        (folder / "part").write_text("half")
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []
    target.mkdir()
    with folder_beside(target) as folder:
        (folder / "part").write_text("whole")
        assert list(target.iterdir()) == []
    assert [path.name for path in target.iterdir()] == ["part"]
    with pytest.raises(TableFileError, match="OUTPUT is there already"), folder_beside(target):
        pass
    nowhere, told = folder_beside(tmp_path / "no" / "OUTPUT"), "no/OUTPUT cannot be written: No such file"
    with pytest.raises(TableFileError, match=told), nowhere:
        pass
    assert list(tmp_path.iterdir()) == [target]


def test_a_folder_of_tables_is_taken_by_name_without_what_is_no_table(tmp_path: Path) -> None:
    for name in ("b.csv", "a.parquet", "_SUCCESS", ".hidden.csv"):
        (tmp_path / name).write_text("")
    assert [path.name for path in tables_in(tmp_path)] == ["a.parquet", "b.csv"]
    (tmp_path / "_temporary").mkdir()
    assert len(tables_in(tmp_path)) == 2
    (tmp_path / "more").mkdir()
    with pytest.raises(TableFileError, match="more is a folder within a folder"):
        tables_in(tmp_path)
    with pytest.raises(TableFileError, match="has no tables in it"):
        tables_in(tmp_path / "_temporary")
