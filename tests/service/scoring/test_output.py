"""Where score writes: nothing that is there is lost, and nothing is left behind."""

import os
import stat
from pathlib import Path

import pytest

from contract.errors import TableFileError
from contract.phone import EXAMPLE
from service.media_type import CSV
from service.scoring.one_process import score
from service.scoring.progress import shown
from service.scoring.table_file import folder_beside, opened, written_beside
from service.settings import Settings
from service.tables.choices import OnError
from tests.running_service import ARTIFACTS
from tests.tables import body


@pytest.fixture
def phones(tmp_path: Path) -> Path:
    path = tmp_path / "phones.csv"
    path.write_bytes(body(CSV, [EXAMPLE]))
    return path


def scored(source: Path, target: Path) -> None:
    settings, fail = Settings(artifacts=ARTIFACTS), OnError.FAIL
    score(settings, source, target, kinds=("csv", "csv"), keep=False, on_error=fail, watch=lambda *_: None)


@pytest.mark.parametrize("link", [None, "symlink_to", "hardlink_to"])
def test_the_table_that_is_read_is_not_written_over(phones: Path, link: str | None) -> None:
    target, before = phones, phones.read_bytes()
    if link:
        target = phones.with_name("link.csv")
        getattr(target, link)(phones)
    with pytest.raises(TableFileError, match="is the table that is read: name another"):
        scored(phones, target)
    assert phones.read_bytes() == before


def test_a_replaced_file_keeps_its_mode_from_the_first_byte(phones: Path, tmp_path: Path) -> None:
    target = tmp_path / "answers.csv"
    target.touch(mode=0o600)
    with written_beside(target) as file:
        assert stat.S_IMODE(os.fstat(file.fileno()).st_mode) == 0o600
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


@pytest.mark.parametrize("there", [True, False])
def test_a_link_is_followed(phones: Path, tmp_path: Path, there: bool) -> None:
    (tmp_path / "elsewhere").mkdir()
    target, link = tmp_path / "elsewhere/answers.csv", tmp_path / "link.csv"
    if there:
        target.touch()
    link.symlink_to(target)
    scored(phones, link)
    assert link.is_symlink()
    assert target.read_bytes().startswith(b"price_range,")


def test_a_pipe_is_neither_read_nor_written(phones: Path, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.parquet"
    os.mkfifo(pipe)
    with pytest.raises(TableFileError, match="is no plain file: name one, or pipe the table to -"):
        scored(pipe, tmp_path / "answers.csv")
    with pytest.raises(TableFileError, match="is no plain file: name one, or - for standard output"):
        scored(phones, pipe)
    assert pipe.is_fifo()
    with shown(pipe):  # the bar does not wait for it, either
        pass


def test_a_device_is_neither_read_nor_written(tmp_path: Path) -> None:
    for name in ("null", "zero"):
        link = tmp_path / f"{name}.csv"
        link.symlink_to(f"/dev/{name}")
        with pytest.raises(TableFileError, match="is no plain file"), opened(link):
            pass
        with pytest.raises(TableFileError, match="is no plain file"), written_beside(link):
            pass


def test_a_target_may_have_a_name_as_long_as_names_may_be(phones: Path, tmp_path: Path) -> None:
    folder = tmp_path / "answers"
    folder.mkdir()
    target = folder / ("é" * 125 + "n.csv")
    left = folder / f".{'é' * 108}-{'0a' * 16}"
    left.touch()
    scored(phones, target)
    assert list(folder.iterdir()) == [target]


@pytest.mark.parametrize("name", ["n" * 255, "é" * 127])
def test_a_folder_may_have_a_name_as_long_as_names_may_be(tmp_path: Path, name: str) -> None:
    with folder_beside(tmp_path / name) as folder:
        (folder / "part").touch()
    with pytest.raises(TableFileError, match="no"), folder_beside(tmp_path / (name[:-1] + "x")):
        raise TableFileError("no")
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_what_a_killed_run_left_is_removed_by_the_next(phones: Path, tmp_path: Path) -> None:
    left = tmp_path / f".answers.csv-{'0a' * 16}"
    others = [tmp_path / f".other.csv-{'0a' * 16}", tmp_path / ".answers.csv-mine"]
    for path in (left, *others):
        path.touch()
    scored(phones, tmp_path / "answers.csv")
    assert not left.exists()
    assert all(path.exists() for path in others)


def test_what_another_run_is_writing_is_left_alone(phones: Path, tmp_path: Path) -> None:
    target = tmp_path / "answers.csv"
    with written_beside(target) as file:
        scored(phones, target)
        file.write(b"the last")
    assert target.read_bytes() == b"the last"
    assert sorted(tmp_path.iterdir()) == [target, phones]


@pytest.mark.parametrize("name", ["\x1b[2J.csv", "a\nerror: b.csv", "\udcff.csv", "\u202e.csv"])
def test_what_a_terminal_would_obey_in_a_path_is_told_quoted(tmp_path: Path, name: str) -> None:
    for told in (tmp_path / name, tmp_path / name / "answers.csv"):
        with pytest.raises(TableFileError) as raised, opened(told):
            pass
        assert str(raised.value).isprintable()
