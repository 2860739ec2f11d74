"""With keys set, nobody without one gets further than the health of the service; without any, it hides."""

import ast
import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

import service.guards.keys
from contract.errors import KeysError
from contract.phone import EXAMPLE
from service.guards.keys import Keyring
from service.settings import Settings
from tests.running_service import ARTIFACTS, PROJECT, free_port, running_service

KEY, OTHER = "a-key-of-the-one-who-prices-phones-0", "another-key-while-the-first-one-ends"

PROTECTED = [
    ("POST", "/predict"),
    ("POST", "/predict/batch"),
    ("POST", "/explain"),
    ("POST", "/what-if"),
    ("GET", "/model-info"),
    ("GET", "/model-card"),
    ("GET", "/metrics"),
    ("GET", "/docs"),
    ("GET", "/openapi.json"),
    ("GET", "/nowhere"),
    ("GET", "/predict"),
    ("DELETE", "/predict"),
    ("OPTIONS", "/predict"),
    ("POST", "//predict"),
    ("POST", "/%70redict"),
    ("POST", "/predict/"),
    ("GET", "/health/../model-info"),
    ("GET", "//health"),
]

NO_KEYS: dict[str, list[tuple[bytes, bytes]]] = {
    "none": [],
    "empty": [(b"X-API-Key", b"")],
    "wrong": [(b"X-API-Key", b"b" * 36)],
    "prefix": [(b"X-API-Key", KEY[:-1].encode())],
    "one more": [(b"X-API-Key", KEY.encode() + b"0")],
    "case": [(b"X-API-Key", KEY.upper().encode())],
    "not ASCII": [(b"X-API-Key", b"\xff" * 36)],
    "long": [(b"X-API-Key", b"a" * 20_000)],
    "cookie": [(b"Cookie", b"X-API-Key=" + KEY.encode())],
    "basic": [(b"Authorization", b"Basic " + KEY.encode())],
    "no scheme": [(b"Authorization", KEY.encode())],
    "empty bearer": [(b"Authorization", b"Bearer")],
    "twice": [(b"X-API-Key", KEY.encode()), (b"X-API-Key", KEY.encode())],
    "two ways": [(b"X-API-Key", KEY.encode()), (b"Authorization", b"Bearer " + OTHER.encode())],
}


@pytest.fixture(scope="module")
def guarded() -> Iterator[httpx.Client]:
    with running_service(ARTIFACTS, PHONE_PRICE_API_KEYS=f"{KEY}, {OTHER}") as running:
        yield running.client


def raw(client: httpx.Client, method: str, path: str, headers: list[tuple[bytes, bytes]]) -> httpx.Response:
    """Ask for a path as it stands, with a valid phone."""
    url = client.base_url.copy_with(raw_path=path.encode())
    return client.request(method, url, json=EXAMPLE, headers=headers)


@pytest.mark.parametrize("headers", NO_KEYS.values(), ids=NO_KEYS)
def test_without_a_key_every_route_is_shut_alike(
    guarded: httpx.Client, headers: list[tuple[bytes, bytes]]
) -> None:
    words = "A key is needed: send a valid one, as X-API-Key or as Authorization: Bearer"
    for method, path in PROTECTED:
        response = raw(guarded, method, path, headers)
        assert response.status_code == 401, (method, path)
        assert response.headers["www-authenticate"] == "Bearer"
        assert response.json()["detail"] == [
            {
                "type": "unauthorized",
                "loc": [],
                "msg": words,
            }
        ]


def test_a_key_in_the_address_is_none(guarded: httpx.Client) -> None:
    for name in ("X-API-Key", "api_key", "key"):
        assert raw(guarded, "POST", f"/predict?{name}={KEY}", []).status_code == 401


@pytest.mark.parametrize("key", [KEY, OTHER])
def test_either_key_opens_in_either_way(guarded: httpx.Client, key: str) -> None:
    for headers in (
        {"X-API-Key": key},
        {"Authorization": f"Bearer {key}"},
        {"Authorization": f"bearer  {key}"},
    ):
        for method, path in (("POST", "/predict"), ("GET", "/model-info"), ("GET", "/metrics")):
            assert guarded.request(method, path, json=EXAMPLE, headers=headers).status_code == 200
        table = guarded.post("/predict/batch", json={"phones": [EXAMPLE]}, headers=headers)
        assert table.status_code == 200


@pytest.mark.parametrize("path", ["/health", "/health/live", "/health/ready"])
def test_health_is_open(guarded: httpx.Client, path: str) -> None:
    assert guarded.get(path).status_code == 200


def test_metrics_may_be_opened() -> None:
    with running_service(ARTIFACTS, PHONE_PRICE_API_KEYS=KEY, PHONE_PRICE_METRICS_OPEN="true") as running:
        assert running.client.get("/metrics").status_code == 200
        assert running.client.get("/model-info").status_code == 401


def refusal(**environment: str) -> str:
    command = [
        sys.executable,
        "-m",
        "service",
        "serve",
        "--artifacts",
        str(ARTIFACTS),
        "--port",
        str(free_port()),
    ]
    done = subprocess.run(
        command,
        cwd=PROJECT,
        env=os.environ | {f"PHONE_PRICE_{name.upper()}": value for name, value in environment.items()},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    return done.stderr


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org"])  # noqa: S104 - to be refused
def test_without_a_key_it_listens_on_this_machine_alone(host: str) -> None:
    assert f"on {host} strangers could call" in refusal(host=host)


@pytest.mark.parametrize("options", [{"PHONE_PRICE_API_KEYS": KEY}, {"PHONE_PRICE_INSECURE": "true"}])
def test_with_a_key_or_told_so_it_listens_on_all(options: dict[str, str]) -> None:
    with running_service(ARTIFACTS, "--host", "0.0.0.0", **options) as running:  # noqa: S104
        assert running.client.get("/health").status_code == 200


def test_keys_that_protect_nothing_are_refused(tmp_path: Path) -> None:
    assert "key 2 of PHONE_PRICE_API_KEYS is under 32 bytes" in refusal(api_keys=f"{KEY} short")
    file = tmp_path / "keys"
    assert "the keys cannot be read" in refusal(api_keys_file=str(file))
    for content in ("", "# " + KEY, "short", "\xff" * 40):
        file.write_text(content, encoding="latin-1")
        refused = refusal(api_keys_file=str(file))
        assert str(file) in refused or "cannot be read" in refused
        assert KEY not in refused


@pytest.mark.parametrize("quote", ['"', "'"])
def test_a_key_in_quotes_is_refused_by_its_line(tmp_path: Path, quote: str) -> None:
    file = tmp_path / "keys"
    file.write_text(f'# the "shop"\n{KEY}\n{quote}{OTHER}{quote}\n')
    assert f"line 3 of {file} has a key in quotes" in refusal(api_keys_file=str(file))
    quoted = f"{KEY}, {quote}{OTHER}{quote}"
    assert "entry 2 of PHONE_PRICE_API_KEYS has a key in quotes" in refusal(api_keys=quoted)
    assert "entry 1 of PHONE_PRICE_API_KEYS has a key in quotes" in refusal(
        api_keys=f"{quote}{KEY},{OTHER}{quote}"
    )


def test_a_byte_order_mark_before_the_keys_is_no_part_of_them(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text(f"{KEY}\r\n{OTHER}\r\n", encoding="utf-8-sig")
    keyring = Keyring(Settings(api_keys_file=file))
    assert keyring.admits(scope(KEY))
    assert keyring.admits(scope(OTHER))


@pytest.mark.parametrize("name", ["UTF-16", "UTF-32"])
@pytest.mark.parametrize("ending", ["", "-LE", "-BE"])
def test_keys_in_another_encoding_are_refused_by_its_name(tmp_path: Path, name: str, ending: str) -> None:
    file = tmp_path / "keys"
    file.write_text(KEY, encoding=name + ending)
    assert name in refusal(api_keys_file=str(file))


def test_a_keys_file_that_is_no_plain_file_is_not_waited_for(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    os.mkfifo(file)
    assert "FIFO" in refusal(api_keys_file=str(file))
    assert "device" in refusal(api_keys_file="/dev/zero")


def scope(key: str) -> dict[str, object]:
    return {"headers": [(b"x-api-key", key.encode())]}


@pytest.mark.parametrize("headers", NO_KEYS.values(), ids=NO_KEYS)
def test_the_keyring_admits_nobody_without_exactly_one_key(headers: list[tuple[bytes, bytes]]) -> None:
    shown = [(name.lower(), value) for name, value in headers]  # as servers hand them on
    assert not Keyring(Settings(api_keys=SecretStr(KEY))).admits({"headers": shown})


@pytest.mark.parametrize(
    "header", [(b"x-api-key", b"%s"), (b"authorization", b"Bearer %s"), (b"authorization", b"bearer  %s")]
)
def test_the_keyring_admits_a_key_in_either_way(header: tuple[bytes, bytes]) -> None:
    name, value = header
    for key in (KEY, OTHER):
        shown = [(b"accept", b"*/*"), (name, value % key.encode())]
        assert Keyring(Settings(api_keys=SecretStr(f"{KEY}, {OTHER}"))).admits({"headers": shown})


def test_a_changed_file_is_read_again_and_a_wrong_one_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text(f"# of the shop\n{KEY}\n")
    keyring = Keyring(Settings(api_keys_file=file))
    assert keyring.admits(scope(KEY))
    file.write_text(f"{KEY}\n{OTHER}\n")
    keyring.look()
    assert keyring.admits(scope(KEY))
    assert keyring.admits(scope(OTHER))
    file.write_text("short")
    with pytest.raises(KeysError, match="under 32 bytes"):
        keyring.look()
    keyring.look()  # told once
    assert keyring.admits(scope(OTHER))
    file.unlink()
    with pytest.raises(KeysError, match="cannot be read"):
        keyring.look()
    file.write_text(f"{OTHER}\n")
    keyring.look()
    keyring.look()  # nothing has changed
    assert not keyring.admits(scope(KEY))
    assert keyring.admits(scope(OTHER))


def test_a_file_that_could_not_be_read_is_read_as_soon_as_it_can_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its owner and mode change no time but one, and for a moment there may be no file left to open."""
    file = tmp_path / "keys"
    file.write_text(KEY)
    keyring = Keyring(Settings(api_keys_file=file))
    file.write_text(f"{OTHER}\n")

    def unreadable(_: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patched:
        patched.setattr("service.guards.keys.read_plain", unreadable)
        with pytest.raises(KeysError, match="Permission denied"):
            keyring.look()
        keyring.look()  # told once
        assert keyring.admits(scope(KEY))
    keyring.look()
    assert keyring.admits(scope(OTHER))
    assert not keyring.admits(scope(KEY))


def test_a_stranger_is_not_waited_for(guarded: httpx.Client) -> None:
    """Else a few who announce a body and send none would take every place."""
    port = guarded.base_url.port
    head = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(head)
        assert connection.recv(100).startswith(b"HTTP/1.1 401 ")


@pytest.mark.parametrize("workers", ["1", "2"])
def test_every_worker_follows_the_file(tmp_path: Path, workers: str) -> None:
    file = tmp_path / "keys"
    file.write_text(KEY)
    options = {"PHONE_PRICE_API_KEYS_FILE": str(file), "PHONE_PRICE_WORKERS": workers}
    with running_service(ARTIFACTS, **options) as running:

        def statuses(key: str) -> set[int]:
            """Of as many new connections as leave no worker out."""
            url, headers = f"{running.client.base_url}/predict", {"X-API-Key": key}
            return {httpx.post(url, json=EXAMPLE, headers=headers).status_code for _ in range(20)}

        assert (statuses(KEY), statuses(OTHER)) == ({200}, {401})
        file.write_text(OTHER)
        deadline = time.monotonic() + 20
        while (statuses(KEY), statuses(OTHER)) != ({401}, {200}):
            assert time.monotonic() < deadline


def test_keys_are_compared_as_digests_in_constant_time() -> None:
    """No equality or membership touches a key, and every known one is compared."""
    tree = ast.parse(Path(service.guards.keys.__file__).read_text())
    (has,) = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == "_has"]
    inside = list(ast.walk(has))
    called = {ast.unparse(node.func) for node in inside if isinstance(node, ast.Call)}
    assert called == {"hashlib.sha256(key).digest", "hashlib.sha256", "hmac.compare_digest"}
    assert not any(isinstance(node, ast.Compare | ast.Break | ast.If) for node in inside)
    assert len([node for node in inside if isinstance(node, ast.Return)]) == 1


def test_without_a_file_there_is_nothing_to_follow() -> None:
    asyncio.run(asyncio.wait_for(Keyring(Settings(api_keys=SecretStr(KEY))).follow_file(), timeout=1))


def test_a_file_that_turns_bad_while_it_is_followed_leaves_the_keys_as_they_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(service.guards.keys, "LOOK_SECONDS", 0.01)
    file = tmp_path / "keys"
    file.write_text(KEY)

    async def story() -> Keyring:
        keyring = Keyring(Settings(api_keys_file=file))
        following = asyncio.create_task(keyring.follow_file())
        file.write_text("short")
        await asyncio.sleep(0.1)
        following.cancel()
        return keyring

    with caplog.at_level("ERROR"):
        assert asyncio.run(story()).admits(scope(KEY))
    (told,) = [record.getMessage() for record in caplog.records]
    assert told.startswith(f"the keys stay as they were: key 1 of {file} is under 32 bytes")
