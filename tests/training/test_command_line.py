"""python -m training, as a user runs it: a process, its output, its exit status."""

import json
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import typer

from contract.bundle import current_version, read_current, versions
from contract.errors import DataError
from tests.conftest import TINY_RECIPE
from tests.running_service import PROJECT
from training.commands.terminal import check_writable, failures_after_publication, write_whole
from training.made_up import make_sample
from training.pipeline import train
from training.recipe import Recipe, shipped_names
from trials.altered_bundle import edit_manifest


@pytest.fixture
def recipe_file(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.toml"
    path.write_text(TINY_RECIPE)
    return path


def run(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "training", *map(str, arguments)],
        cwd=PROJECT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def figures(path: Path) -> Any:
    return json.loads(path.read_text())


def test_train_prints_figures_and_switches_current(
    sample_table: Path, recipe_file: Path, tmp_path: Path
) -> None:
    out, told = tmp_path / "artifacts", tmp_path / "figures.json"
    done = run(
        "train", "--recipe", recipe_file, "--out", out, "--json", told, PHONE_PRICE_DATA=str(sample_table)
    )
    assert done.returncode == 0, done.stderr
    metrics = read_current(out).manifest.metrics
    assert f"recipe tiny on {sample_table}" in done.stdout
    assert "epoch 3/3 loss " in done.stdout
    assert f"accuracy {metrics.accuracy:.4f} log-loss {metrics.log_loss:.4f}" in done.stdout
    assert f"macro-F1 {metrics.macro_f1:.4f}" in done.stdout
    assert "very high" in done.stdout
    assert "calibrating: fold 5/5" in done.stdout
    assert figures(told) == metrics.model_dump(mode="json")
    assert f"CURRENT now names {current_version(out)}" in done.stdout
    assert done.stderr == ""


def test_a_terminal_gets_a_bar_instead_of_lines(
    sample_table: Path, recipe_file: Path, tmp_path: Path
) -> None:
    controller, terminal = pty.openpty()
    command = [sys.executable, "-m", "training", "train", "--data", str(sample_table)]
    command += ["--recipe", str(recipe_file), "--out", str(tmp_path / "artifacts")]
    process = subprocess.Popen(
        command, cwd=PROJECT, stdout=terminal, stderr=terminal, env=os.environ | {"TERM": "xterm"}
    )
    os.close(terminal)
    shown = b""
    try:
        while chunk := os.read(controller, 4096):
            shown += chunk
    except OSError:  # how Linux tells that the other side has closed
        pass
    assert process.wait(timeout=60) == 0
    assert "━".encode() in shown
    assert b"3/3" in shown
    assert b"loss" in shown
    assert b"epoch 3/3" not in shown.replace(b"\x1b", b"")


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda table: table.assign(ram=-1), "Line 2, column ram: "),
        (lambda table: table.assign(price_range=7), "Line 2, column price_range: "),
        (lambda table: table.assign(pc="many"), "Line 2, column pc: "),
        (lambda table: table.assign(wifi=""), "The cell is empty"),
        (lambda table: table.drop(columns="ram"), "Line 1: no column ram"),
        (lambda table: table.head(20), "too few phones"),
    ],
    ids=["implausible", "a label of 7", "text", "empty cells", "a missing column", "too few phones"],
)
def test_bad_data_gives_one_message_and_status_2_and_overwrites_nothing(
    sample_table: Path,
    recipe_file: Path,
    tiny_artifacts: Path,
    tmp_path: Path,
    spoil: Callable[[pd.DataFrame], pd.DataFrame],
    told: str,
) -> None:
    bad = tmp_path / "bad.csv"
    spoil(pd.read_csv(sample_table)).to_csv(bad, index=False)
    out = Path(shutil.copytree(tiny_artifacts, tmp_path / "artifacts"))
    before = sorted(out.rglob("*"))
    done = run("train", "--data", bad, "--recipe", recipe_file, "--out", out)
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {bad} ")
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert sorted(out.rglob("*")) == before


def test_an_unknown_recipe_gives_one_message_and_status_2(tmp_path: Path) -> None:
    done = run("train", "--recipe", "sede-optimized", "--out", tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("error: no recipe sede-optimized; did you mean seed-optimized?")


def test_a_folder_that_cannot_be_written_gives_one_message_and_status_2(
    sample_table: Path, recipe_file: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    done = run("train", "--data", sample_table, "--recipe", recipe_file, "--out", tmp_path / "file")
    assert done.returncode == 2
    assert "error: " in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("train", "--json", "FILE/figures.json"),
        ("train", "--out", "FILE"),
        ("compare", "seed-baseline", "--out", "FILE"),
        ("compare", "seed-baseline", "--json", "FILE/figures.json"),
        ("cross-validate", "--json", "/proc/figures.json"),
        ("evaluate", "--json", "FILE/figures.json"),
        ("tune", "--out", "FILE/chosen.toml"),
        ("tune", "--json", "FILE/figures.json"),
        ("train", "--json", "FIFO"),
        ("train", "--out", "FOLDER"),
        ("compare", "seed-baseline", "--out", "FOLDER"),
    ],
)
def test_an_output_that_cannot_be_written_is_told_before_the_work_begins(
    sample_table: Path, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / "fifo")
    for output in ("CURRENT", "comparison.md"):
        (tmp_path / "folder" / output).mkdir(parents=True)
    named = [
        re.sub("FILE|FIFO|FOLDER", lambda word: f"{tmp_path}/{word[0].lower()}", part) for part in arguments
    ]
    done = run(*named, "--data", sample_table)
    assert done.returncode == 2
    assert "cannot be written" in done.stderr
    assert done.stdout == ""


def test_what_fails_after_publication_is_told_with_the_version_that_is_served(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(typer.Exit) as ended, failures_after_publication("20260101T000000Z-0000"):
        raise OSError(28, "No space left on device")
    assert ended.value.exit_code == 1
    assert "No space left on device" in (told := capsys.readouterr().err)
    assert "20260101T000000Z-0000 is served all the same" in told


def test_train_whose_figures_cannot_be_written_any_more_names_the_version_that_is_served(
    sample_table: Path, recipe_file: Path, tmp_path: Path
) -> None:
    out, told = tmp_path / "artifacts", tmp_path / "figures.json"
    command = ["train", "--data", sample_table, "--recipe", recipe_file, "--out", out, "--json", told]
    with subprocess.Popen(
        [sys.executable, "-m", "training", *map(str, command)],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("recipe tiny on "), "the outputs have been tried"
        told.mkdir()
        _, errors = process.communicate(timeout=120)
    assert process.returncode == 1
    assert f"{told}" in errors
    assert f"{current_version(out)} is served all the same; do not train again for this" in errors


def test_sample_writes_the_same_table_for_the_same_seed(tmp_path: Path) -> None:
    first, again, other = (tmp_path / name for name in ("first.csv", "again.csv", "other.csv"))
    for path, seed in ((first, 4), (again, 4), (other, 5)):
        assert run("sample", "--rows", 60, "--seed", seed, "--out", path).returncode == 0
    assert first.read_bytes() == again.read_bytes() != other.read_bytes()
    assert len(pd.read_csv(first)) == 60
    assert sorted(tmp_path.iterdir()) == [again, first, other]


COMMANDS = [
    "train",
    "recipes",
    "summary",
    "compare",
    "cross-validate",
    "tune",
    "evaluate",
    "versions",
    "activate",
    "sign",
    "prune",
    "sample",
]


def test_help_lists_every_command() -> None:
    done = run("--help")
    assert done.returncode == 0
    assert "Usage: python -m training" in done.stdout
    for command in COMMANDS:
        assert f" {command} " in done.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_help_tells_what_a_command_does(command: str) -> None:
    done = run(command, "--help")
    assert done.returncode == 0
    assert f"Usage: python -m training {command}" in done.stdout


def test_recipes_lists_what_is_shipped(tmp_path: Path) -> None:
    done = run("recipes", "--json", tmp_path / "recipes.json")
    assert done.returncode == 0, done.stderr
    for name in shipped_names():
        assert re.search(rf"^{name} ", done.stdout, re.MULTILINE)
    assert "best (default)" in done.stdout
    assert [recipe["name"] for recipe in figures(tmp_path / "recipes.json")] == shipped_names()


def test_summary_shows_layers_shapes_and_parameters(tmp_path: Path) -> None:
    done = run("summary", "seed-baseline", "--json", tmp_path / "summary.json")
    assert done.returncode == 0, done.stderr
    # worked out by hand: 20 * 128 + 128, 128 * 256 + 256, 256 * 4 + 4
    for told in ("[1, 20]", "[1, 128]", "[1, 256]", "[1, 4]", "2,688", "33,024", "1,028", "36,740"):
        assert told in done.stdout
    assert figures(tmp_path / "summary.json")["parameters"] == 36_740


def test_compare_prints_the_ladder_and_writes_it_as_a_table_and_a_picture(
    sample_table: Path, recipe_file: Path, tmp_path: Path
) -> None:
    out = tmp_path / "comparison"
    done = run(
        "compare",
        "best",
        recipe_file,
        "--data",
        sample_table,
        "--out",
        out,
        "--json",
        out / "comparison.json",
    )
    assert done.returncode == 0, done.stderr
    worse, better = figures(out / "comparison.json")
    assert (worse["recipe"], better["recipe"]) == ("tiny", "best")
    assert worse["accuracy"] < better["accuracy"]
    for contender in (worse, better):
        for shown in (done.stdout, (out / "comparison.md").read_text()):
            assert contender["recipe"] in shown
            assert f"{contender['accuracy']:.4f}" in shown
    assert (out / "comparison.png").read_bytes().startswith(b"\x89PNG")


def test_cross_validate_gives_the_figures_that_scripts_rely_on(
    sample_table: Path, recipe_file: Path, tmp_path: Path
) -> None:
    path = tmp_path / "figures.json"
    arguments = ["--recipe", recipe_file, "--folds", 3, "--repeats", 2, "--seed", 1, "--json", path]
    done = run("cross-validate", "--data", sample_table, *arguments)
    assert done.returncode == 0, done.stderr
    found = figures(path)
    assert {"accuracy_mean", "accuracy_std", "log_loss_mean", "ece", "off_by_more_than_one"} <= found.keys()
    assert "folds 6/6" in done.stdout
    assert f"accuracy {found['accuracy_mean']:.4f}" in done.stdout


def test_evaluate_measures_the_served_version_or_another(
    tiny_artifacts: Path, sample_table: Path, tmp_path: Path
) -> None:
    path = tmp_path / "figures.json"
    arguments = ["--artifacts", tiny_artifacts, "--data", sample_table, "--json", path]
    served = run("evaluate", *arguments)
    assert served.returncode == 0, served.stderr
    assert "of these phones: these figures flatter it" in served.stdout
    assert figures(path)["rows"] == 240
    assert f"accuracy {figures(path)['accuracy']:.4f}" in served.stdout
    named = run("evaluate", *arguments, "--version", current_version(tiny_artifacts))
    assert named.stdout == served.stdout
    unknown = run("evaluate", *arguments, "--version", "../elsewhere")
    assert unknown.returncode == 2
    assert "has no version '../elsewhere'" in unknown.stderr


def test_evaluate_on_phones_that_came_later_does_not_say_that_it_knows_them(
    tiny_artifacts: Path, tmp_path: Path
) -> None:
    later = tmp_path / "later.csv"
    make_sample(rows=80, seed=99).to_csv(later, index=False)
    done = run("evaluate", "--artifacts", tiny_artifacts, "--data", later)
    assert done.returncode == 0, done.stderr
    assert "later.csv" in done.stdout
    assert "flatter" not in done.stdout


def test_evaluate_knows_phones_that_it_has_learnt_in_a_table_that_was_saved_again(
    tiny_artifacts: Path, sample_table: Path, tmp_path: Path
) -> None:
    saved_again = tmp_path / "again.csv"
    table = pd.read_csv(sample_table).sample(frac=1, random_state=1)
    table[sorted(table.columns)].to_csv(saved_again, index=False, lineterminator="\r\n")
    done = run("evaluate", "--artifacts", tiny_artifacts, "--data", saved_again)
    assert done.returncode == 0, done.stderr
    assert "It has learnt 75.0% of these phones" in done.stdout


@pytest.mark.parametrize("rows", [1, 39])
def test_evaluate_measures_on_few_phones(tiny_artifacts: Path, tmp_path: Path, rows: int) -> None:
    few = tmp_path / "few.csv"
    make_sample(rows=80, seed=99).head(rows).to_csv(few, index=False)
    done = run("evaluate", "--artifacts", tiny_artifacts, "--data", few)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"on {rows} phones: accuracy " in done.stdout


@pytest.fixture
def two_versions(tiny_artifacts: Path, sample_table: Path, tiny_recipe: Recipe, tmp_path: Path) -> Path:
    """A folder with a second version, which is the served one."""
    artifacts = Path(shutil.copytree(tiny_artifacts, tmp_path / "artifacts"))
    train(tiny_recipe.model_copy(update={"seed": 8}), sample_table, artifacts)
    return artifacts


def test_versions_lists_them_and_activate_goes_back(two_versions: Path, tmp_path: Path) -> None:
    old, new = versions(two_versions)
    listed = run("versions", "--artifacts", two_versions, "--json", tmp_path / "versions.json")
    assert listed.returncode == 0, listed.stderr
    assert [(item["version"], item["served"]) for item in figures(tmp_path / "versions.json")] == [
        (old, False),
        (new, True),
    ]
    assert old in listed.stdout
    assert new in listed.stdout
    done = run("activate", old, "--artifacts", two_versions)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith(f"now names {old}; running services follow it\n")
    assert current_version(two_versions) == old


def test_prune_removes_old_versions_and_train_does_so_when_told(
    two_versions: Path, sample_table: Path, recipe_file: Path
) -> None:
    first, second = versions(two_versions)
    command = ("train", "--recipe", recipe_file, "--data", sample_table, "--out", two_versions)
    done = run(*command)
    assert done.returncode == 0, done.stderr
    assert versions(two_versions)[:-1] == [first, second]
    done = run(*command, "--keep", 3)
    assert done.returncode == 0, done.stderr
    assert f"removed {first}\n" in done.stdout
    *_, third, fourth = versions(two_versions)
    assert versions(two_versions) == [second, third, fourth]
    done = run("prune", "--keep", 1, "--artifacts", two_versions)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"removed {second}\n"
    assert versions(two_versions) == [third, fourth]


SIGNING_KEY = "0123456789abcdef" * 2


def test_with_a_key_training_signs_and_nothing_unsigned_is_activated(
    two_versions: Path, sample_table: Path, recipe_file: Path
) -> None:
    old, _ = versions(two_versions)
    key = {"PHONE_PRICE_SIGNING_KEY": SIGNING_KEY}
    command = ("train", "--recipe", recipe_file, "--data", sample_table, "--out", two_versions)
    signed = run(*command, **key)
    assert signed.returncode == 0, signed.stderr
    new = current_version(two_versions)
    done = run("activate", old, "--artifacts", two_versions, **key)
    assert done.returncode == 2
    assert f"{old}/manifest.hmac cannot be read" in done.stderr
    assert current_version(two_versions) == new
    listed = run("versions", "--artifacts", two_versions, **key)
    assert f"{old} cannot be served: " in listed.stdout
    assert f"{new} cannot be served: " not in listed.stdout
    assert run("sign", old, "--artifacts", two_versions, **key).stdout == f"signed {old}\n"
    again = run("activate", old, "--artifacts", two_versions, **key)
    assert again.returncode == 0, again.stderr
    assert current_version(two_versions) == old
    other = run("evaluate", "--artifacts", two_versions, PHONE_PRICE_SIGNING_KEY="n" * 32)
    assert other.returncode == 2
    assert "does not vouch for manifest.json" in other.stderr
    assert SIGNING_KEY not in "".join(done.stdout + done.stderr for done in (signed, done, listed, again))


@pytest.mark.parametrize(("key", "told"), [("", "is not set"), ("too short", "under 32 bytes")])
def test_without_a_key_that_protects_nothing_is_signed(two_versions: Path, key: str, told: str) -> None:
    done = run(
        "sign", current_version(two_versions), "--artifacts", two_versions, PHONE_PRICE_SIGNING_KEY=key
    )
    assert done.returncode == 2
    assert told in done.stderr
    assert "too short" not in done.stderr
    assert not list(two_versions.rglob("manifest.hmac"))


def test_prune_without_a_version_that_is_served_removes_nothing(two_versions: Path) -> None:
    before = versions(two_versions)
    (two_versions / "CURRENT").unlink()
    done = run("prune", "--keep", 1, "--artifacts", two_versions)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert "CURRENT does not exist" in done.stderr
    assert versions(two_versions) == before


def test_a_version_that_is_not_whole_is_listed_as_such_and_not_activated(two_versions: Path) -> None:
    old, new = versions(two_versions)
    weights = two_versions / old / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    listed = run("versions", "--artifacts", two_versions)
    assert listed.returncode == 0, listed.stderr
    assert f"{old} cannot be served: " in listed.stdout
    done = run("activate", old, "--artifacts", two_versions)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert "weights.safetensors" in done.stderr
    assert current_version(two_versions) == new


def test_a_version_whose_answers_have_changed_is_not_activated(two_versions: Path) -> None:
    old, new = versions(two_versions)
    altered = {"probabilities": [1.0, 0.0, 0.0, 0.0]}
    edit_manifest(two_versions / old, lambda manifest: manifest["golden_rows"][0].update(altered))
    done = run("activate", old, "--artifacts", two_versions)
    assert done.returncode == 2
    assert "golden rows" in done.stderr
    assert current_version(two_versions) == new


LONG_RECIPE = TINY_RECIPE.replace("epochs = 3", "epochs = 100000")


def interrupted(*arguments: object, once: str, seconds: float = 0.0) -> tuple[int, str, str]:
    """Run, press Ctrl-C `seconds` after `once` has been printed; return exit status, output, errors."""
    process = subprocess.Popen(
        [sys.executable, "-m", "training", *map(str, arguments)],
        cwd=PROJECT,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    shown = ""
    for line in process.stdout:
        shown += line
        if once in line:
            break
    time.sleep(seconds)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to every process of the group
    rest, errors = process.communicate(timeout=60)
    assert ended(process.pid), "a process of the command goes on"
    return process.returncode, shown + rest, errors


def ended(group: int) -> bool:
    """Whether every process of the group ends within ten seconds."""
    for _ in range(100):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False


def test_ctrl_c_in_training_leaves_what_was_served(
    tiny_artifacts: Path, sample_table: Path, recipe_file: Path, tmp_path: Path
) -> None:
    artifacts = Path(shutil.copytree(tiny_artifacts, tmp_path / "artifacts"))
    before = {path: path.read_bytes() for path in artifacts.rglob("*") if path.is_file()}
    recipe_file.write_text(LONG_RECIPE)
    status, _, errors = interrupted(
        "train", "--recipe", recipe_file, "--data", sample_table, "--out", artifacts, once="recipe tiny on"
    )
    assert (status, errors) == (130, "interrupted; what was served stays served\n")
    assert {path: path.read_bytes() for path in artifacts.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("command", [["compare"], ["cross-validate", "--folds", "3", "--recipe"]])
def test_ctrl_c_in_a_measurement_says_so_and_leaves_no_process(
    command: list[str], sample_table: Path, recipe_file: Path
) -> None:
    recipe_file.write_text(TINY_RECIPE.replace("epochs = 3", "epochs = 200"))
    status, _, errors = interrupted(
        *command,
        recipe_file,
        *(["best"] * 20 if command == ["compare"] else ["--repeats", 30]),
        "--data",
        sample_table,
        once="1/",
    )
    assert (status, errors) == (130, "interrupted; nothing was written\n")


def test_a_choice_that_no_recipe_can_have_is_told_in_a_line(
    sample_table: Path, recipe_file: Path, tmp_path: Path
) -> None:
    space = tmp_path / "space.toml"
    space.write_text('[ranges]\n"optimizer.learning_rate" = { low = -2.0, high = -1.0 }')
    done = run(
        *["tune", "--recipe", recipe_file, "--data", sample_table, "--space", space, "--trials", 2],
        *["--storage", tmp_path / "trials.db", "--folds", 2, "--inner-folds", 2],
    )
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ")
    assert "learning_rate" in line


@pytest.mark.parametrize(
    ("storage", "reason"), [("no/trials.db", "unable to open"), ("tiny.toml", "file is not a database")]
)
def test_what_cannot_hold_trials_is_told_in_a_line(
    storage: str, reason: str, sample_table: Path, recipe_file: Path, tmp_path: Path
) -> None:
    (tmp_path / "tiny.toml").write_text(TINY_RECIPE)
    space = tmp_path / "space.toml"
    space.write_text("[ranges]\nepochs = { low = 1, high = 2 }")
    done = run(
        *["tune", "--recipe", recipe_file, "--data", sample_table, "--space", space],
        *["--storage", tmp_path / storage],
    )
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"error: the trials cannot be kept in {tmp_path / storage}: {reason}")
    assert line.endswith("; name another with --storage")


def test_ctrl_c_in_tuning_says_how_to_go_on_and_the_same_command_does(
    sample_table: Path, recipe_file: Path, tmp_path: Path
) -> None:
    recipe_file.write_text(TINY_RECIPE.replace("epochs = 3", "epochs = 300"))
    space = tmp_path / "space.toml"
    space.write_text('[ranges]\n"optimizer.learning_rate" = { low = 0.001, high = 0.1, log = true }')
    storage, out = tmp_path / "trials.db", tmp_path / "tuned.toml"
    command = [
        "tune",
        "--recipe",
        recipe_file,
        "--data",
        sample_table,
        "--space",
        space,
        "--storage",
        storage,
    ]
    command += ["--folds", 2, "--inner-folds", 2, "--trials", 3, "--out", out]
    status, _, errors = interrupted(*command, once="trials 4/9", seconds=0.2)  # in the middle of the fifth
    assert status == 130
    assert errors == f"interrupted; the trials are in {storage}, and the same command goes on from there\n"
    assert not out.exists()
    done = run(*command)
    assert done.returncode == 0, done.stderr
    assert "trials 9/9" in done.stdout
    assert "to be expected of tuning: accuracy " in done.stdout
    tuned = Recipe.load(str(out))
    rate = f"{tuned.optimizer.learning_rate:.3g}"
    assert f"chosen on inner folds of all phones: optimizer.learning_rate {rate}" in done.stdout


@pytest.mark.parametrize("name", ["n" * 255, "é" * 127])
def test_a_file_may_have_a_name_as_long_as_names_may_be(tmp_path: Path, name: str) -> None:
    write_whole(tmp_path / name, b"{}")
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_name_that_is_too_long_is_told_in_words(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be written: File name too long; name another path"):
        check_writable(tmp_path / ("n" * 256))


def test_figures_in_a_file_are_whole_or_the_old_ones(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    done = run("recipes", "--json", tmp_path / "folder" / "deeper" / "recipes.json")
    assert done.returncode == 0, done.stderr
    assert len(figures(tmp_path / "folder" / "deeper" / "recipes.json")) == len(shipped_names())
    assert [path.name for path in (tmp_path / "folder" / "deeper").iterdir()] == ["recipes.json"]
