"""python -m service score --engine ray: on two nodes the rows, the errors and the care of one process."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import psutil
import pyarrow as pa
import pytest
from pyarrow import csv, parquet

from contract.errors import TableFileError
from contract.phone import EXAMPLE
from service.media_type import CSV, PARQUET
from service.scoring.one_process import score as score_locally
from service.settings import Settings
from service.tables.choices import OnError
from tests.absent import say_absent
from tests.ray.cluster import Cluster, proportional, running_cluster
from tests.running_service import ARTIFACTS, PROJECT, free_port
from tests.tables import Row, body
from training.made_up import PUBLISHED_RANGES, make_up_phones

SCORE = ["-m", "service", "score", "--artifacts", str(ARTIFACTS), "--engine", "ray"]

MOST_BYTES = 3 * 2**30
"""Of memory, for the cluster and the command together."""

ENDS_WITHIN = 300.0

PHONES: list[Row] = make_up_phones(200, PUBLISHED_RANGES, seed=8).to_dict("records")  # type: ignore[assignment]


def command(*arguments: object) -> list[str]:
    return [sys.executable, *SCORE, *map(str, arguments)]


def score(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments),
        cwd=PROJECT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=ENDS_WITHIN,
        check=False,
    )


def phones(first: int, count: int) -> pa.Table:
    """Return rows that differ in their number at least; every 5,000th is broken."""
    table = make_up_phones(count, PUBLISHED_RANGES, seed=first)
    table["ram"] = np.where((np.arange(first, first + count) % 5_000) == 77, -1, table["ram"])
    table.insert(0, "row", np.arange(first, first + count))
    table.insert(1, "note", [f'"{number}",\nand so on' for number in range(first, first + count)])
    return pa.Table.from_pandas(table, preserve_index=False)


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of two million rows: Parquet in eight row groups, CSV with quotes and CRLF, and NDJSON."""
    folder = tmp_path_factory.mktemp("tables")
    parquet.write_table(phones(0, 1_000_000), folder / "a.parquet", row_group_size=125_000)
    sink = pa.BufferOutputStream()
    csv.write_csv(phones(1_000_000, 700_000), sink)
    (folder / "b.csv").write_bytes(sink.getvalue().to_pybytes().replace(b"\n", b"\r\n"))
    last = phones(1_700_000, 300_000).to_pandas()
    last.to_json(folder / "c.ndjson", orient="records", lines=True)
    (folder / "_SUCCESS").write_text("as Spark leaves it")
    return folder


def by_one_process(source: Path, target: Path, keep: bool) -> pa.Table:
    score_locally(
        Settings(artifacts=ARTIFACTS),
        source,
        target,
        kinds=("", ""),
        keep=keep,
        on_error=OnError.SKIP,
        watch=lambda *_: None,
    )
    return parquet.read_table(target)


def check_same(tables: Path, target: Path, tmp_path: Path, keep: bool) -> None:
    """Hold the parts of each file against what one process makes of it: row by row, and by which version."""
    total = 0
    for number, source in enumerate(sorted(tables.glob("[a-z]*"))):
        parts = sorted(target.glob(f"part-{number:06d}-*.parquet"))
        assert len(parts) > 2
        found = pa.concat_tables(parquet.read_table(part) for part in parts)
        right = by_one_process(source, tmp_path / "right.parquet", keep)
        assert found.schema.equals(right.schema, check_metadata=True)
        assert found.schema.metadata[b"model_version"]
        for name in right.column_names:
            assert found[name].equals(right[name]), (source, name)
        assert right["error"].null_count == len(right) - len(right) // 5_000
        total += len(found)
    assert total == 2_000_000


@contextmanager
def watched(memory: Callable[[], int]) -> Iterator[list[int]]:
    """Measure again and again while something else runs."""
    found: list[int] = []
    ended = threading.Event()

    def measure() -> None:
        while not ended.wait(0.5):
            found.append(memory())

    thread = threading.Thread(target=measure)
    thread.start()
    try:
        yield found
    finally:
        ended.set()
        thread.join()


@contextmanager
def started(*arguments: object) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        command(*arguments), cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def wait_for_parts(process: subprocess.Popen[str], beside: Path, count: int) -> None:
    deadline = time.monotonic() + ENDS_WITHIN
    while len(list(beside.glob(".*/part-*"))) < count:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, "no parts were written"
        time.sleep(0.02)


def test_two_million_rows_are_those_of_one_process_in_bounded_memory(
    cluster: Cluster, tables: Path, tmp_path: Path
) -> None:
    target = tmp_path / "out" / "answers"
    target.parent.mkdir()
    options = ["--address", cluster.address, "--on-error", "skip", "--keep", "all"]
    with (
        started(tables, target, *options) as process,
        watched(lambda: cluster.memory() + proportional(psutil.Process(process.pid))) as memory,
    ):
        _, told = process.communicate(timeout=ENDS_WITHIN)
    assert process.returncode == 0, told
    (line,) = told.splitlines()
    assert line.startswith("2,000,000 rows scored by ")
    assert line.endswith("; 400 broken")
    assert list(target.parent.iterdir()) == [target]
    assert 2**28 < max(memory) < MOST_BYTES
    check_same(tables, target, tmp_path, keep=True)


def test_a_killed_node_loses_nothing_and_doubles_nothing(tables: Path, tmp_path: Path) -> None:
    target = tmp_path / "out" / "answers"
    target.parent.mkdir()
    with (
        running_cluster() as own,
        started(tables, target, "--address", own.address, "--on-error", "skip") as process,
    ):
        wait_for_parts(process, target.parent, 3)
        own.nodes[1].kill()
        done = len(list(target.parent.glob(".*/part-*")))
        _, told = process.communicate(timeout=ENDS_WITHIN)
    assert process.returncode == 0, told
    assert told.startswith("2,000,000 rows scored by ")
    assert done < len(list(target.iterdir())) - 2, "it was killed too late to tell anything"
    assert list(target.parent.iterdir()) == [target]
    check_same(tables, target, tmp_path, keep=False)


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_leaves_nothing(
    cluster: Cluster, tables: Path, tmp_path: Path, by: signal.Signals
) -> None:
    with started(tables, tmp_path / "answers", "--address", cluster.address, "--on-error", "skip") as process:
        wait_for_parts(process, tmp_path, 1)
        process.send_signal(by)
        _, told = process.communicate(timeout=60)
    assert process.returncode == 130
    assert told.splitlines() == [f"error: interrupted; {tmp_path / 'answers'} is as it was"]
    assert list(tmp_path.iterdir()) == []


def test_the_ending_of_the_folder_says_what_its_parts_are(cluster: Cluster, tmp_path: Path) -> None:
    good(tmp_path / "a.csv")
    done = score(tmp_path / "a.csv", tmp_path / "answers.ndjson", "--address", cluster.address)
    assert done.returncode == 0, done.stderr
    assert {part.suffix for part in (tmp_path / "answers.ndjson").iterdir()} == {".ndjson"}


def good(path: Path) -> None:
    path.write_bytes(body(CSV if path.suffix == ".csv" else PARQUET, PHONES))


def cut_short(path: Path) -> None:
    path.write_bytes(body(PARQUET, PHONES)[:-100])


def missing(path: Path) -> None:
    path.symlink_to("nowhere")


def broken(path: Path) -> None:
    path.write_bytes(body(CSV, [*PHONES * 700, {**EXAMPLE, "ram": -1}, *PHONES * 700, {**EXAMPLE, "fc": -1}]))


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("b.parquet", cut_short),
        ("b.csv", missing),
        ("b.csv", broken),
    ],
    ids=["cut short", "unreadable", "a broken row"],
)
def test_a_wrong_file_among_many_is_told_as_by_one_process_and_nothing_is_written(
    cluster: Cluster, tmp_path: Path, name: str, wrong: Callable[[Path], None]
) -> None:
    source = tmp_path / "tables"
    source.mkdir()
    for each in ("a.csv", "c.parquet", "d.csv"):
        good(source / each)
    wrong(source / name)
    done = score(source, tmp_path / "answers", "--address", cluster.address)
    with pytest.raises(TableFileError) as right:
        score_locally(
            Settings(artifacts=ARTIFACTS),
            source / name,
            tmp_path / "right.csv",
            kinds=("", ""),
            keep=False,
            on_error=OnError.FAIL,
            watch=lambda *_: None,
        )
    assert str(source / name) in str(right.value)
    assert (done.returncode, done.stderr) == (2, f"error: {right.value}\n")
    assert list(tmp_path.iterdir()) == [source]


def test_a_full_disk_is_told_and_nothing_is_left(cluster: Cluster, tables: Path, tmp_path: Path) -> None:
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(tmp_path)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        say_absent("a small disk to fill can only be mounted by root")
    try:
        target = tmp_path / "answers"
        done = score(tables / "a.parquet", target, "--address", cluster.address, "--on-error", "skip")
        assert done.returncode == 2
        assert done.stderr == f"error: {target} cannot be written: No space left on device\n"
        assert list(tmp_path.iterdir()) == []
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


WRONG_USE = [
    ("standard input", ["-", "out"], "INPUT is a file or a folder"),
    ("standard output", ["a.csv", "-"], "OUTPUT is a folder of parts"),
    ("Arrow", ["a.arrow", "out"], "a.arrow: --engine ray takes .csv, .ndjson, .jsonl, .parquet;"),
    ("no such file", ["no.csv", "out"], "no.csv cannot be read: No such file"),
    ("no tables", ["empty", "out"], "empty has no tables in it"),
    ("a folder within the tables'", ["full", "full/out"], "full/out would lie within "),
    ("a folder that is there", ["a.csv", "full"], "full is there already"),
    ("a file that is there", ["a.csv", "a.csv"], "a.csv is there already"),
    ("an unknown ending", ["a.csv", "out", "--to", "xls"], "error: which kind of table is .xls?"),
    ("an address for one process", ["a.csv", "b.csv", "--engine", "local"], "--address is the Ray cluster's"),
    ("a wrong address", ["a.csv", "out"], "there is no Ray cluster at 127.0.0.1:"),
]


@pytest.mark.parametrize(
    ("arguments", "told"), [case[1:] for case in WRONG_USE], ids=[case[0] for case in WRONG_USE]
)
def test_wrong_use_is_told_in_a_line(tmp_path: Path, arguments: list[str], told: str) -> None:
    good(tmp_path / "a.csv")
    (tmp_path / "a.arrow").write_bytes(b"")
    (tmp_path / "empty").mkdir()
    (tmp_path / "full").mkdir()
    good(tmp_path / "full" / "file.csv")
    before = sorted(tmp_path.rglob("*"))
    first, second, *options = arguments
    paths = [path if path == "-" else tmp_path / path for path in (first, second)]
    done = score(*paths, "--address", f"127.0.0.1:{free_port()}", *options)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ")
    assert told in line
    assert sorted(tmp_path.rglob("*")) == before


def test_without_an_address_and_a_cluster_it_says_what_to_do(tmp_path: Path) -> None:
    """In a process namespace of its own: else it finds the cluster of other tests."""
    good(tmp_path / "a.csv")
    alone = ["unshare", "--fork", "--pid", "--mount-proc"]
    if subprocess.run([*alone, "true"], capture_output=True, check=False).returncode:
        say_absent("to be alone on a machine takes root")
    environment = {name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"}
    done = subprocess.run(
        [*alone, *command(tmp_path / "a.csv", tmp_path / "answers")],
        cwd=PROJECT,
        env=environment | {"RAY_TMPDIR": str(tmp_path / "ray")},
        capture_output=True,
        text=True,
        timeout=ENDS_WITHIN,
        check=False,
    )
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: there is no Ray cluster on this machine: give --address HOST:PORT")
    assert not (tmp_path / "answers").exists()


@pytest.mark.parametrize("engine", ["ray", "local"])
def test_without_ray_only_ray_is_missing(tmp_path: Path, engine: str) -> None:
    good(tmp_path / "a.csv")
    arguments = ["service", "score", str(tmp_path / "a.csv"), str(tmp_path / "out.csv"), "--engine", engine]
    program = (
        "import runpy, sys; sys.modules['ray'] = None; "
        f"sys.argv = {[*arguments, '--artifacts', str(ARTIFACTS)]!r}; "
        "runpy.run_module('service', run_name='__main__', alter_sys=True)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=ENDS_WITHIN,
        check=False,
    )
    if engine == "local":
        assert done.returncode == 0, done.stderr
        return
    told = "error: Ray is not installed: pip install '.[ray]', in the project's folder\n"
    assert (done.returncode, done.stderr) == (2, told)
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]
