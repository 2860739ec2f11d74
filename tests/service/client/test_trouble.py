"""Peers that are busy, break off, fall silent or are something else."""

import asyncio
import gzip
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import httpx
import pandas as pd
import pyarrow as pa
import pytest

from contract.phone import EXAMPLE
from service.client import (
    AnswerError,
    AsyncPhonePriceClient,
    DeadlineError,
    PhonePriceClient,
    RefusalError,
    UnavailableError,
)
from service.client.attempts import Attempts
from tests.running_service import ARTIFACTS, PROJECT, free_port, wait_until_ready
from tests.service.client.asking import PHONE, TABLE, Ask, predict
from tests.service.client.peer import BUSY, DRIP, HTML, RESET, SILENCE, Peer, answer


@pytest.mark.parametrize(
    "trouble",
    [
        BUSY,
        answer(503, b"<html>", HTML),
        answer(429, b"<html>", HTML),
        b"",
        RESET,
        b"HTTP/1.1 2",
        answer(200, b'{"price', length=300),
    ],
    ids=[
        "busy",
        "busy proxy",
        "proxy with a limit",
        "closed",
        "reset",
        "broken off in the head",
        "broken off in the body",
    ],
)
def test_trouble_that_may_pass_is_tried_again(ask: Ask, good: bytes, trouble: bytes) -> None:
    with Peer(trouble, trouble, good) as peer:
        assert ask(peer.url, predict).label == "high"
    assert len(peer.requests) == 3
    assert json.loads(peer.requests[2].partition(b"\r\n\r\n")[2]) == PHONE.model_dump()


def test_a_table_is_sent_again_from_its_beginning(ask: Ask, service: httpx.Client) -> None:
    with Peer(RESET, BUSY, answer(503, b"")) as peer, pytest.raises(UnavailableError):
        ask(peer.url, lambda client: client.predict_table(TABLE), retries=2)
    bodies = [request.partition(b"\r\n\r\n")[2] for request in peer.requests]
    assert len(bodies) == 3
    assert bodies[0] == bodies[1] == bodies[2] != b""


def test_after_all_retries_it_is_unavailable(ask: Ask) -> None:
    with Peer(*[BUSY] * 5) as peer:
        with pytest.raises(UnavailableError, match=r"503 .*Too much to do") as raised:
            ask(peer.url, predict, retries=2)
        assert raised.value.retry_after == 0
        assert len(peer.requests) == 3


def test_where_nobody_listens_it_is_unavailable(ask: Ask) -> None:
    with pytest.raises(UnavailableError, match="no connection"):
        ask(f"http://127.0.0.1:{free_port()}", predict, retries=1)


def test_what_has_no_connection_tells_where_to_but_not_who_asked(ask: Ask) -> None:
    port, too_long = free_port(), "a" * 64
    for url, place in (
        (f"http://me:hidden@127.0.0.1:{port}/below", f"127.0.0.1:{port}:"),
        (f"http://[::1]:{port}", rf"\[::1\]:{port}:"),
        ("http://nowhere.invalid", "nowhere.invalid:80:"),
        ("https://nowhere.invalid", "nowhere.invalid:443:"),
        (f"http://{too_long}.invalid", f"{too_long}.invalid:80:"),
    ):
        with pytest.raises(UnavailableError, match=f"no connection to the service at {place}") as raised:
            ask(url, predict, retries=0)
        assert "hidden" not in repr(raised.value) + str(raised.value)
        assert "me:" not in str(raised.value)


def test_it_comes_again_no_sooner_than_it_was_told(ask: Ask, good: bytes) -> None:
    with Peer(answer(503, b"", "Retry-After: 1"), good) as peer:
        start = time.monotonic()
        assert ask(peer.url, predict).label == "high"
        assert time.monotonic() - start >= 1


def test_it_does_not_wait_for_what_would_come_too_late(ask: Ask, good: bytes) -> None:
    with Peer(answer(503, b"", "Retry-After: 100"), good) as peer:
        with pytest.raises(UnavailableError) as raised:
            ask(peer.url, predict, timeout=60)
        assert raised.value.retry_after == 100
        assert len(peer.requests) == 1


@pytest.mark.parametrize("told", ["-1", "soon", "Wed, 21 Oct 2105 07:28:00 GMT", "²", "nan"])
def test_a_retry_after_that_is_no_number_of_seconds_counts_as_none(ask: Ask, good: bytes, told: str) -> None:
    busy = answer(503, b"", f"Retry-After: {told}")
    with Peer(busy, good) as peer:
        assert ask(peer.url, predict).label == "high"
    assert len(peer.requests) == 2


def test_pauses_grow_and_differ_and_come_on_top_of_what_was_told() -> None:
    for number in range(20):
        attempts = Attempts(5, 30)
        for made in range(5):
            pause = attempts.pause_after(UnavailableError("", 2 if number % 2 else None))
            assert 0.05 * 2**made <= pause - 2 * (number % 2) <= 0.1 * 2**made
        with pytest.raises(UnavailableError):
            attempts.pause_after(UnavailableError(""))
    assert len({Attempts(1, 30).pause_after(UnavailableError("")) for _ in range(9)}) > 1


@pytest.mark.parametrize("trouble", [SILENCE, DRIP], ids=["silence", "a byte now and then"])
def test_what_takes_too_long_is_given_up_and_not_tried_again(ask: Ask, trouble: bytes, good: bytes) -> None:
    with Peer(trouble, good) as peer:
        with pytest.raises(DeadlineError, match="No answer"):
            ask(peer.url, predict, timeout=0.2)
        assert len(peer.requests) == 1


def test_a_table_that_is_taken_too_slowly_is_given_up(ask: Ask) -> None:
    """A second is over after some parts, each of which is taken in less."""
    large = pa.table({name: [value] * 300_000 for name, value in EXAMPLE.items()})
    with socket.create_server(("127.0.0.1", 0)) as listener:
        taking = threading.Thread(target=take_slowly, args=(listener,))
        taking.start()
        start = time.monotonic()
        with pytest.raises(DeadlineError, match="No answer within 1 seconds"):
            ask(f"http://127.0.0.1:{listener.getsockname()[1]}", lambda c: c.predict_table(large), timeout=1)
        assert time.monotonic() - start < 4
        taking.join()


def take_slowly(listener: socket.socket) -> None:
    """Read all that one client sends, up to 5 MB a second, until it hangs up."""
    connection = listener.accept()[0]
    with connection, suppress(OSError):
        while connection.recv(65_536):
            time.sleep(65_536 / 5_000_000)


def test_a_deadline_that_the_service_kept_is_one(ask: Ask, good: bytes) -> None:
    with Peer(answer(504, b"<html>", HTML), good) as peer:
        with pytest.raises(DeadlineError, match="504"):
            ask(peer.url, predict)
        assert len(peer.requests) == 1


@pytest.mark.parametrize(
    ("came", "told"),
    [
        (answer(502, b"<html>Bad Gateway</html>", HTML), "502 Bad Gateway"),
        (answer(599, b"", HTML), "599"),
        (answer(500, b'{"detail":[{"type":"x","loc":[],"msg":"It failed"}]}'), "500 .*It failed"),
        (answer(301, b"", "Location: https://elsewhere"), "301 Moved"),
        (answer(204, b""), "204"),
        (answer(200, b"<html>Log in</html>", HTML), "no answer of the service: text/html"),
        (answer(200, b""), "no answer of the service"),
        (answer(200, b"\xff\xfe"), "no answer of the service"),
        (answer(200, b'{"price_range": 7}'), "no answer of the service"),
        (answer(200, b'{"detail": "hello"}'), "no answer of the service"),
        (answer(200, b'{"label": "\xff"}'), "no answer of the service"),
        (answer(200, b'{"more": ' + b"[" * 100_000), "no answer of the service"),
        (answer(200, b"no gzip", "Content-Encoding: gzip"), "no answer"),
        (answer(200, gzip.compress(b"[]"), "Content-Encoding: gzip"), "no answer of the service"),
    ],
)
def test_what_is_no_answer_is_a_clear_error(ask: Ask, came: bytes, told: str, good: bytes) -> None:
    with Peer(came, good) as peer:
        with pytest.raises(AnswerError, match=told) as raised:
            ask(peer.url, predict)
        assert len(peer.requests) == 1
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("status", [400, 404, 413])
def test_a_refusal_by_a_proxy_is_one_without_reasons(ask: Ask, status: int, good: bytes) -> None:
    with Peer(answer(status, b"<html>", HTML), good) as peer:
        with pytest.raises(RefusalError, match=str(status)) as raised:
            ask(peer.url, predict)
        assert (raised.value.status, raised.value.violations) == (status, ())
        assert len(peer.requests) == 1


def test_something_else_than_http_is_unavailable(ask: Ask) -> None:
    with Peer(b"SSH-2.0-x\r\n" * 3) as peer, pytest.raises(UnavailableError, match="no connection"):
        ask(peer.url, predict, retries=0)


def test_too_few_answers_are_no_answer(ask: Ask, service: httpx.Client) -> None:
    phones = {"phones": [EXAMPLE]}
    few = service.post("/predict/batch", json=phones).content
    with Peer(answer(200, few)) as peer, pytest.raises(AnswerError, match="1 predictions for 2 phones"):
        ask(peer.url, lambda client: client.predict_many([PHONE, PHONE]))


@pytest.mark.parametrize("body", [b"", b"<html>", b"ARROW1\0\0", b"\xff\xff\xff\xff\x10\0\0\0" + bytes(16)])
def test_a_table_that_is_none_is_no_answer(ask: Ask, body: bytes) -> None:
    with Peer(answer(200, body, HTML)) as peer, pytest.raises(AnswerError, match="no answer of the service"):
        ask(peer.url, lambda client: client.predict_table(TABLE))


def posted(service: httpx.Client, table: pd.DataFrame) -> bytes:
    """The service's own answer to a table, as a plain client gets it."""
    sent = pa.BufferOutputStream()
    arrow = pa.Table.from_pandas(table)
    with pa.ipc.new_stream(sent, arrow.schema) as stream:
        stream.write_table(arrow)
    kind = "application/vnd.apache.arrow.stream"
    headers = {"Content-Type": kind, "Accept": kind}
    answered = service.post("/predict/batch", content=sent.getvalue().to_pybytes(), headers=headers)
    return answered.raise_for_status().content


def test_too_few_rows_are_no_answer(ask: Ask, service: httpx.Client) -> None:
    few = answer(200, posted(service, TABLE[:3]))
    with Peer(few) as peer, pytest.raises(AnswerError, match="3 rows for 50"):
        ask(peer.url, lambda client: client.predict_table(TABLE))


def test_a_damaged_table_is_no_answer(ask: Ask, service: httpx.Client) -> None:
    whole = posted(service, TABLE)
    for damaged in (whole.replace(b"label", b"lab\xfel"), whole[: len(whole) // 2]):
        with Peer(answer(200, damaged)) as peer, pytest.raises(AnswerError, match="no answer of the service"):
            ask(peer.url, lambda client: client.predict_table(TABLE))


def test_health_is_asked_once(ask: Ask) -> None:
    with Peer(BUSY, BUSY) as peer:
        with pytest.raises(UnavailableError, match="Too much to do"):
            ask(peer.url, lambda client: client.health())
        assert len(peer.requests) == 1


def test_the_service_is_told_what_time_is_left_except_for_a_prediction(ask: Ask, good: bytes) -> None:
    with Peer(BUSY, BUSY, good) as peer, suppress(AnswerError):
        ask(peer.url, lambda client: client.explain(PHONE), timeout=20)
    told = [header(request, b"X-Request-Timeout") for request in peer.requests]
    first, second, third = map(int, told)
    assert 20_000 >= first > second > third > 0
    with Peer(good) as peer:
        ask(peer.url, predict)
    assert header(peer.requests[0], b"X-Request-Timeout") == b""


def header(request: bytes, name: bytes) -> bytes:
    lines = request.partition(b"\r\n\r\n")[0].split(b"\r\n")
    return b"".join(line.partition(b": ")[2] for line in lines if line.startswith(name))


def test_the_service_may_be_below_a_path(ask: Ask, good: bytes) -> None:
    for url_end in ("/phones", "/phones/"):
        with Peer(good) as peer:
            ask(peer.url + url_end, predict)
        assert peer.requests[0].startswith(b"POST /phones/predict HTTP/1.1\r\n")


@contextmanager
def service_at(port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Start a service there, without waiting for it; kill it in the end."""
    command = [sys.executable, "-m", "service", "serve", "--artifacts", str(ARTIFACTS), "--port", str(port)]
    process = subprocess.Popen(command, cwd=PROJECT)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def test_a_service_that_is_killed_and_started_again_is_waited_for() -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"

    async def first_and_again() -> list[str]:
        async with AsyncPhonePriceClient(url, retries=9) as later:
            with PhonePriceClient(url, retries=9) as client:
                with service_at(port) as process:
                    with httpx.Client(base_url=url) as waiting:
                        await asyncio.to_thread(wait_until_ready, waiting, process)
                    before = [client.predict(PHONE), await later.predict(PHONE)]
                with service_at(port):
                    after = await asyncio.gather(
                        asyncio.to_thread(client.predict, PHONE), later.predict(PHONE)
                    )
        return [each.label for each in [*before, *after]]

    assert asyncio.run(first_and_again()) == ["high"] * 4
