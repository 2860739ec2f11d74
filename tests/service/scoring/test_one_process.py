"""python -m service score: a table in a file, by the service's rules and with its numbers."""

import os
import pty
import signal
import subprocess
import sys
import time
from itertools import product
from pathlib import Path

import httpx
import pytest

from contract.phone import EXAMPLE
from service.media_type import CSV, NDJSON
from service.scoring.table_file import KINDS
from tests.running_service import ARTIFACTS, PROJECT
from tests.tables import Row, body, probabilities, rows
from training.made_up import PUBLISHED_RANGES, make_up_phones

PHONES: list[Row] = make_up_phones(30, PUBLISHED_RANGES, seed=8).to_dict("records")  # type: ignore[assignment]
SCORE = [sys.executable, "-m", "service", "score", "--artifacts", str(ARTIFACTS)]


def score(*arguments: object, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*SCORE, *map(str, arguments)], cwd=PROJECT, input=given, capture_output=True, check=False
    )


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tables") / "phones.csv"
    path.write_bytes(body(CSV, PHONES))
    return path


def test_every_ending_gives_the_services_numbers(service: httpx.Client, table: Path, tmp_path: Path) -> None:
    headers = {"Content-Type": CSV, "Accept": NDJSON}
    expected = rows(
        NDJSON, service.post("/predict/batch", content=table.read_bytes(), headers=headers).content
    )
    source = table
    for ending in KINDS:  # each made of the one before
        kept, target = tmp_path / f"kept{ending}", tmp_path / f"answers{ending}.ndjson"
        assert score(source, kept, "--keep", "all").returncode == 0
        source = tmp_path / f"phones{ending}"
        assert score(kept, target).returncode == 0, ending
        kept.rename(source)
        for answer, right in zip(rows(NDJSON, target.read_bytes()), expected, strict=True):
            assert answer["price_range"] == right["price_range"]
            assert probabilities(NDJSON, answer) == pytest.approx(probabilities(NDJSON, right), abs=1e-6)


@pytest.mark.parametrize(("brought", "taken"), list(product(["csv", "parquet"], ["ndjson", "arrows"])))
def test_a_pipe_works_both_ways(table: Path, tmp_path: Path, brought: str, taken: str) -> None:
    source = tmp_path / f"phones.{brought}"
    assert score(table, source, "--keep", "all").returncode == 0
    piped = score("-", "-", "--from", brought, "--to", taken, given=source.read_bytes())
    assert piped.returncode == 0
    assert score(source, tmp_path / f"answers.{taken}").returncode == 0
    assert piped.stdout == (tmp_path / f"answers.{taken}").read_bytes()


def test_it_says_what_it_did_and_nothing_of_its_progress_to_a_file(table: Path, tmp_path: Path) -> None:
    done = score(table, tmp_path / "answers.csv")
    (told,) = done.stderr.decode().splitlines()
    assert told.startswith("30 rows scored by ")
    assert done.stdout == b""


def test_a_bar_is_drawn_on_a_terminal(table: Path, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    command = [*SCORE, str(table), str(tmp_path / "answers.csv")]
    subprocess.run(command, cwd=PROJECT, stderr=theirs, env=os.environ | {"TERM": "xterm"}, check=True)
    os.close(theirs)
    shown = b""
    try:
        while piece := os.read(ours, 4096):
            shown += piece
    except OSError:  # the other end is closed and all is read
        pass
    assert b"30 rows" in shown
    assert "━".encode() in shown


WRONG = [
    ("an unknown ending", ["phones.xls", "answers.csv"], "which kind of table is .xls? Known are .csv, "),
    ("no ending", ["phones", "answers.csv"], "which kind of table"),
    ("a folder", [".", "answers.csv"], "is a folder, which only --engine ray takes"),
    ("no such file", ["nothing.csv", "answers.csv"], "nothing.csv cannot be read: No such file"),
    ("no such folder", ["phones.csv", "no/where.csv"], "where.csv cannot be written: No such file"),
    ("no columns", ["empty.csv", "answers.csv"], "its first line must name the columns"),
    ("no rows", ["header.csv", "answers.csv"], "send at least one"),
    ("a broken row", ["broken.csv", "answers.csv"], "Line 32, column ram: "),
    ("a name too long", [f"{'x' * 300}.csv", "answers.csv"], "cannot be read: File name too long"),
    ("a Parquet's name too long", [f"{'x' * 300}.parquet", "answers.csv"], "File name too long"),
    ("not Parquet", ["text.parquet", "answers.csv"], "The table is not Parquet"),
]


@pytest.mark.parametrize(("arguments", "told"), [case[1:] for case in WRONG], ids=[case[0] for case in WRONG])
def test_what_is_wrong_is_told_in_words_and_what_was_there_stays(
    table: Path, tmp_path: Path, arguments: list[str], told: str
) -> None:
    content = table.read_bytes()
    (tmp_path / "phones.csv").write_bytes(content)
    (tmp_path / "phones.xls").write_bytes(content)
    (tmp_path / "phones").write_bytes(content)
    (tmp_path / "empty.csv").write_bytes(b"")
    (tmp_path / "header.csv").write_bytes(content.splitlines(keepends=True)[0])
    (tmp_path / "broken.csv").write_bytes(content + body(CSV, [{**EXAMPLE, "ram": -1}]).splitlines()[1])
    (tmp_path / "text.parquet").write_bytes(content)
    (tmp_path / "answers.csv").write_text("what was there")
    before = sorted(tmp_path.iterdir())
    done = score(*(tmp_path / name for name in arguments))
    assert done.returncode == 2
    assert done.stderr.startswith(b"error: ")
    assert told in done.stderr.decode()
    assert b"Traceback" not in done.stderr
    assert (tmp_path / "answers.csv").read_text() == "what was there"
    assert sorted(tmp_path.iterdir()) == before


def test_a_bundle_that_cannot_be_served_is_told_with_its_own_status(table: Path, tmp_path: Path) -> None:
    done = score(table, tmp_path / "answers.csv", "--artifacts", tmp_path)
    assert done.returncode == 3
    assert done.stderr.startswith(b"error: ")


def test_broken_rows_are_skipped_and_counted(tmp_path: Path) -> None:
    source, target = tmp_path / "phones.csv", tmp_path / "answers.csv"
    source.write_bytes(body(CSV, [EXAMPLE, {**EXAMPLE, "ram": -1}]))
    done = score(source, target, "--on-error", "skip", "--keep", "all")
    assert done.returncode == 0
    assert done.stderr.decode().strip().endswith("; 1 broken")
    sound, broken = rows(CSV, target.read_bytes())
    assert (sound["error"], broken["price_range"]) == ("", "")
    assert broken["error"].startswith("Line 3, column ram: ")


def test_what_cannot_be_read_is_not_said_of_what_is_written(tmp_path: Path) -> None:
    source = tmp_path / "phones.csv"
    source.symlink_to("/proc/self/mem")
    done = score(source, tmp_path / "answers.csv")
    assert done.returncode == 2
    assert done.stderr.decode() == f"error: {source} cannot be read: Input/output error\n"
    assert list(tmp_path.iterdir()) == [source]


@pytest.mark.parametrize(
    ("streams", "told"),
    [
        ("phones.csv - > /dev/full", "standard output cannot be written: No space left on device"),
        ("phones.csv - >&-", "standard output is closed"),
        ("- answers.csv <&-", "standard input is closed"),
    ],
)
def test_a_stream_that_fails_is_told_in_a_line(table: Path, streams: str, told: str) -> None:
    command = f"{' '.join(SCORE)} {streams.replace('phones.csv', str(table))}"
    done = subprocess.run(["bash", "-c", command], cwd=PROJECT, capture_output=True, check=False)
    assert (done.returncode, done.stderr.decode()) == (2, f"error: {told}\n")


def test_a_key_that_is_none_is_wrong_use_as_it_is_for_the_service(table: Path, tmp_path: Path) -> None:
    short = os.environ | {"PHONE_PRICE_SIGNING_KEY": "short"}
    command = [*SCORE, str(table), str(tmp_path / "answers.csv")]
    assert subprocess.run(command, cwd=PROJECT, env=short, capture_output=True, check=False).returncode == 2


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_leaves_what_was_there(tmp_path: Path, by: signal.Signals) -> None:
    target = tmp_path / "answers.csv"
    target.write_text("what was there")
    process = subprocess.Popen(
        [*SCORE, "-", str(target)], cwd=PROJECT, stdin=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdin is not None
    process.stdin.write(body(CSV, PHONES * 500))
    process.stdin.flush()
    deadline = time.monotonic() + 30
    while len(list(tmp_path.iterdir())) < 2:
        assert time.monotonic() < deadline, "no file was begun"
        time.sleep(0.05)
    process.send_signal(by)
    _, told = process.communicate(timeout=30)
    assert process.returncode == 130
    assert told.decode().splitlines() == [f"error: interrupted; {target} is as it was"]
    assert target.read_text() == "what was there"
    assert list(tmp_path.iterdir()) == [target]


def test_a_reader_that_closes_the_pipe_gets_no_traceback(table: Path) -> None:
    command = " ".join(SCORE)
    done = subprocess.run(
        [
            "bash",
            "-c",
            f"(cat {table}; for i in $(seq 3000); do tail -n +2 {table}; done) | {command} - - | head -1; "
            "exit ${PIPESTATUS[1]}",
        ],
        cwd=PROJECT,
        capture_output=True,
        check=False,
    )
    assert done.stdout.startswith(b"price_range,")
    assert done.returncode == 141
    assert b"Traceback" not in done.stderr
    assert b"BrokenPipe" not in done.stderr
