"""python -m service serve: it starts whole, or says in one line why not."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import psutil
import pytest
from pydantic import ValidationError

from contract.bundle import SigningKey, current_version, sign_version
from contract.phone import EXAMPLE
from service.settings import Settings, wrong_setting
from tests.running_service import ARTIFACTS, PROJECT, free_port, running_service
from trials.altered_bundle import edit_manifest


@pytest.fixture
def artifacts(tiny_artifacts: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_artifacts, tmp_path / "artifacts"))


def refusal(artifacts: Path, *options: str, **environment: str) -> tuple[int, str]:
    """Exit status and words of a start that must fail; the port must stay shut."""
    port = free_port()
    command = [sys.executable, "-m", "service", "serve", "--artifacts", str(artifacts), "--port", str(port)]
    done = subprocess.run(
        [*command, *options],
        cwd=PROJECT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0
    return done.returncode, done.stderr


def damage_truncate(directory: Path) -> str:
    os.truncate(directory / "model.onnx", 100)
    return "model.onnx has 100 bytes"


def damage_swap(directory: Path) -> str:
    shutil.copy(directory / "scaler.joblib", directory / "weights.safetensors")
    return "weights.safetensors has"


def damage_alter(directory: Path) -> str:
    path = directory / "weights.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    return "weights.safetensors is not the file that was trained"


def damage_remove(directory: Path) -> str:
    (directory / "scaler.joblib").unlink()
    return "scaler.joblib is missing"


def damage_manifest(directory: Path) -> str:
    (directory / "manifest.json").write_text("{")
    return "manifest.json is not JSON"


def damage_golden(directory: Path) -> str:
    edit_manifest(directory, lambda manifest: manifest["golden_rows"][0]["probabilities"].reverse())
    return "golden rows: 1 of 16 are not reproduced"


def damage_pointer(directory: Path) -> str:
    (directory.parent / "CURRENT").unlink()
    return "CURRENT does not exist"


@pytest.mark.parametrize(
    "damage",
    [
        damage_truncate,
        damage_swap,
        damage_alter,
        damage_remove,
        damage_manifest,
        damage_golden,
        damage_pointer,
    ],
)
@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_bundle_that_is_not_whole_is_refused_in_one_line(
    artifacts: Path, damage: object, workers: str
) -> None:
    told = damage(artifacts / current_version(artifacts))  # type: ignore[operator]
    status, words = refusal(artifacts, "--workers", workers)
    assert status == 3
    assert words.startswith("error: ")
    assert told in words
    assert words.count("\n") == 1


def test_the_bundle_of_those_tests_is_served_when_nothing_is_done_to_it(artifacts: Path) -> None:
    with running_service(artifacts) as running:
        assert running.client.post("/predict", json=EXAMPLE).status_code == 200


@pytest.mark.parametrize(
    ("options", "environment", "told"),
    [
        ([], {"PHONE_PRICE_ENGINE": "tensorflow"}, "setting engine: PHONE_PRICE_ENGINE is 'tensorflow': "),
        (["--workers", "0"], {}, "setting workers: PHONE_PRICE_WORKERS is '0': "),
        (["--port", "99999"], {}, "setting port: "),
        ([], {"PHONE_PRICE_MAX_BATCH_ROWS": "many"}, "setting max_batch_rows: "),
    ],
)
def test_a_wrong_setting_is_named(options: list[str], environment: dict[str, str], told: str) -> None:
    status, words = refusal(ARTIFACTS, *options, **environment)
    assert status == 2
    assert told in words
    assert words.count("\n") == 1


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        (("PHONE_PRICE_WORKER", "4"), "PHONE_PRICE_WORKER is set .* did you mean PHONE_PRICE_WORKERS?"),
        (("PHONE_PRICE_API_KEY_FILE", "keys"), "did you mean PHONE_PRICE_API_KEYS_FILE?"),
        (("phone_price_xyzzy", "4"), "phone_price_xyzzy is set .*: remove it"),
    ],
)
def test_a_variable_that_is_no_setting_is_refused(environment: tuple[str, str], told: str) -> None:
    status, words = refusal(ARTIFACTS, **dict([environment]))
    assert status == 2
    assert re.search(told.replace("?", r"\?"), words)
    assert words.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("workers", "1_0", "plain digits"),
        ("port", "8_000", "plain digits"),
        ("max_tables", "１６", "plain digits"),
        ("drain_seconds", "1_0.0", "plain digits"),
        ("drain_seconds", "inf", "plain digits"),
        ("host", "http://127.0.0.1", "the name of a host alone"),
        ("host", "127.0.0.1/", "the name of a host alone"),
        ("host", "[::1]", "the name of a host alone"),
        ("model_name", ".", "write a name"),
        ("model_name", "..", "write a name"),
        ("protocols", "none vertex", "none stands alone"),
        ("protocols", "vertx", "or none alone"),
    ],
)
def test_a_value_that_means_something_else_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, told: str
) -> None:
    monkeypatch.setenv(f"PHONE_PRICE_{name.upper()}", value)
    with pytest.raises(ValidationError) as refused:
        Settings()
    assert told in wrong_setting(refused.value)


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [("workers", " 4 ", 4), ("drain_seconds", "1e1", 10.0), ("host", "fe80::1%eth0", "fe80::1%eth0")],
)
def test_a_value_in_plain_digits_or_of_one_host_is_taken(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, read: object
) -> None:
    monkeypatch.setenv(f"PHONE_PRICE_{name.upper()}", value)
    assert getattr(Settings(), name) == read


@pytest.mark.parametrize("name", ["PHONE_PRICE_API_KEY", "PHONE_PRICE_DATA", "PHONE_PRICE_PROVED_VERSION"])
def test_variables_of_other_parts_of_the_project_are_let_be(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "x")
    Settings()


def test_an_empty_variable_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.setenv(f"PHONE_PRICE_{name.upper()}", "")
    assert all(value == Settings.model_fields[name].default for name, value in Settings())


def test_empty_keys_are_no_keys_and_so_refused_beyond_this_machine() -> None:
    empty = {"PHONE_PRICE_API_KEYS": "", "PHONE_PRICE_API_KEYS_FILE": ""}
    status, words = refusal(ARTIFACTS, "--host", "0.0.0.0", **empty)  # noqa: S104 - to be refused
    assert status == 2
    assert words.count("\n") == 1


def test_the_dialects_are_turned_off_by_the_word_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHONE_PRICE_PROTOCOLS", "none")
    assert Settings().protocols == ""


def test_the_log_begins_with_the_version_and_the_settings_but_no_secret(
    capfd: pytest.CaptureFixture[str],
) -> None:
    key = "a-key-that-nobody-may-see-0123456789"
    with running_service(ARTIFACTS, PHONE_PRICE_API_KEYS=key, PHONE_PRICE_MAX_TABLES="3"):
        pass
    errors = capfd.readouterr().err
    (line,) = [line for line in errors.splitlines() if " with settings " in line]
    assert re.search(r"phone-price \d+\.\d+\.\d+ with settings ", line)
    assert all(f"{name}=" in line for name in Settings.model_fields)
    assert "max_tables=3 " in line
    assert "api_keys=(given)" in line
    assert "signing_key=(none)" in line
    assert key not in errors


SIGNING_KEY = {"PHONE_PRICE_SIGNING_KEY": "0123456789abcdef" * 2}


def test_with_a_key_a_bundle_that_is_not_signed_with_it_is_refused(artifacts: Path) -> None:
    status, words = refusal(artifacts, **SIGNING_KEY)
    assert status == 3
    assert "manifest.hmac cannot be read" in words
    sign_version(artifacts, current_version(artifacts), SigningKey("n" * 32))
    status, words = refusal(artifacts, **SIGNING_KEY)
    assert status == 3
    assert "manifest.hmac does not vouch for manifest.json" in words
    assert words.count("\n") == 1
    with running_service(artifacts, "--workers", "2", PHONE_PRICE_SIGNING_KEY="n" * 32) as running:
        assert running.client.post("/predict", json=EXAMPLE).status_code == 200


def test_a_signing_key_that_is_too_short_is_named_and_not_repeated(artifacts: Path) -> None:
    status, words = refusal(artifacts, PHONE_PRICE_SIGNING_KEY="secret")
    assert status == 2
    assert words.startswith("error: PHONE_PRICE_SIGNING_KEY has a key under 32 bytes")
    assert "secret" not in words


def test_the_torch_engine_without_torch_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("raise ModuleNotFoundError(name='torch')")
    status, words = refusal(ARTIFACTS, PHONE_PRICE_ENGINE="torch", PYTHONPATH=str(tmp_path))
    assert status == 3
    assert words == (
        "error: the torch engine needs torch: install the training extra, pip install '.[training]'\n"
    )


def test_two_workers_answer_as_one_does(service: httpx.Client) -> None:
    expected = service.post("/predict", json=EXAMPLE).json()
    with running_service(ARTIFACTS, "--workers", "2") as running:
        for _ in range(20):
            with httpx.Client(
                base_url=running.client.base_url, timeout=30
            ) as client:  # a connection of its own
                assert client.post("/predict", json=EXAMPLE).json() == expected
        children = psutil.Process(running.process.pid).children()
        assert len([child for child in children if "spawn_main" in " ".join(child.cmdline())]) == 2


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_term_signal_ends_it_in_order(workers: str) -> None:
    with running_service(ARTIFACTS, "--workers", workers) as running:
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(timeout=10) in (0, -signal.SIGTERM)


def test_settings_come_from_the_environment_and_options_win(tmp_path: Path) -> None:
    environment = {"PHONE_PRICE_PORT": "1", "PHONE_PRICE_ARTIFACTS": str(tmp_path)}
    with running_service(ARTIFACTS, **environment) as running:
        assert running.client.get("/health").status_code == 200
