"""What a peer that misbehaves may cost, and what of it may be told."""

import gzip
import logging
import subprocess
import sys
import traceback
import zlib
from functools import cache
from typing import Any

import pytest

from service.client import AnswerError, Phone, RefusalError, ServiceError, UnavailableError
from tests.service.client.asking import KEY, PHONE, TABLE, Ask, predict
from tests.service.client.peer import BUSY, HTML, Peer, answer

MIB = 2**20


@cache
def bomb(mebibytes: int) -> bytes:
    """Return spaces, packed two hundredfold."""
    packing = zlib.compressobj(1, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    return b"".join(packing.compress(b" " * MIB) for _ in range(mebibytes)) + packing.flush()


GZIP = "Content-Encoding: gzip"

MEASURE = """
import asyncio, resource, sys
from contract.phone import EXAMPLE
from service.client import AnswerError, AsyncPhonePriceClient, Phone, PhonePriceClient

def held():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

async def ask(client):
    await client.predict(Phone(**EXAMPLE))

before, options = held(), {"max_answer_bytes": 16 * 2**20}
try:
    if sys.argv[2] == "blocking":
        PhonePriceClient(sys.argv[1], **options).predict(Phone(**EXAMPLE))
    else:
        asyncio.run(ask(AsyncPhonePriceClient(sys.argv[1], **options)))
except AnswerError as error:
    print(held() - before, error)
"""


@pytest.mark.parametrize("kind", ["blocking", "asyncio"])
def test_a_small_answer_that_unpacks_to_hundreds_of_megabytes_is_given_up(kind: str) -> None:
    with Peer(answer(200, bomb(400), GZIP)) as peer:
        command = [sys.executable, "-c", MEASURE, peer.url, kind]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    grown, told = done.stdout.split(maxsplit=1)
    assert int(grown) < 100
    assert "max_answer_bytes" in told


@pytest.mark.parametrize("packed", [False, True])
def test_an_answer_beyond_max_answer_bytes_is_none(ask: Ask, good: bytes, packed: bool) -> None:
    body = good.partition(b"\r\n\r\n")[2]
    for most, fits in ((len(body), True), (len(body) - 1, False)):
        came = answer(200, gzip.compress(body), GZIP) if packed else answer(200, body)
        with Peer(came, good) as peer:
            if fits:
                assert ask(peer.url, predict, max_answer_bytes=most).label == "high"
            else:
                with pytest.raises(AnswerError, match=f"more than {most} bytes: max_answer_bytes"):
                    ask(peer.url, predict, max_answer_bytes=most)
            assert len(peer.requests) == 1


def test_a_table_beyond_max_answer_bytes_is_no_answer(ask: Ask) -> None:
    with Peer(answer(200, bytes(2_000))) as peer, pytest.raises(AnswerError, match="max_answer_bytes"):
        ask(peer.url, lambda client: client.predict_table(TABLE), max_answer_bytes=1_000)


@pytest.mark.parametrize("most", [0, -1])
def test_a_size_that_no_answer_has_is_refused(ask: Ask, most: int) -> None:
    with pytest.raises(ValueError, match="max_answer_bytes must be 1 or more"):
        ask("http://127.0.0.1:1", predict, max_answer_bytes=most)


PACKED = gzip.compress(b"[]", mtime=0)  # without the time, as it is part of tests' names


@pytest.mark.parametrize(
    ("body", "encoding", "told"),
    [
        (PACKED[:-4], "gzip", "its gzip breaks off"),
        (PACKED + b"more", "gzip", "something follows its gzip"),
        (b"[]", "gzip", "it is no gzip"),
        (b"[]", "br", "packed as br, where gzip was asked for"),
        (b"[]", "gzip, gzip", "packed as gzip, gzip"),
    ],
)
def test_what_cannot_be_unpacked_is_no_answer(ask: Ask, body: bytes, encoding: str, told: str) -> None:
    came = answer(200, body, f"Content-Encoding: {encoding}")
    with Peer(came) as peer, pytest.raises(AnswerError, match=told):
        ask(peer.url, predict)


@pytest.mark.parametrize(
    ("status", "kind"), [(404, RefusalError), (502, AnswerError), (503, UnavailableError)]
)
def test_an_error_without_end_is_told_by_its_status(ask: Ask, status: int, kind: type[ServiceError]) -> None:
    for came in (
        answer(status, b"x" * 5_000_000, HTML),
        answer(status, bomb(100), GZIP),
        answer(status, b"x", "Content-Encoding: br"),
    ):
        with Peer(came) as peer, pytest.raises(kind, match=f"^{status} ") as raised:
            ask(peer.url, predict, retries=0)
        assert len(str(raised.value)) < 100


LONG = b'{"detail":[' + b",".join([b'{"type":"x","loc":["%s"],"msg":"%s"}' % (b"a" * 500, b"b" * 500)] * 50)


@pytest.mark.parametrize("status", [422, 500, 503, 504])
def test_what_an_error_tells_is_cut_and_cleaned(ask: Ask, status: int) -> None:
    long = LONG + b"]}"
    escapes = (
        b'{"detail":[{"type":"\\u001b","loc":["\\u001b[2J",1],"msg":"\\u001b[2J\\r\\nall \\u202e well"}]}'
    )
    for body in (long, escapes):
        with Peer(answer(status, body)) as peer, pytest.raises(ServiceError) as raised:
            ask(peer.url, predict, retries=0)
        text = str(raised.value)
        assert text.isprintable()
        assert len(text) <= 1_000
        for each in getattr(raised.value, "violations", ()):
            assert "".join([each.type, each.msg, *map(str, each.loc)]).isprintable()
            assert len(each.msg) <= 300
            assert len(str(each.loc[0])) <= 64
        assert len(getattr(raised.value, "violations", ())) <= 20


def echoes() -> dict[str, bytes]:
    """The ways in which a peer may send back what it was sent."""
    key = KEY.encode()
    return {
        "refusal": answer(422, b'{"detail":[{"type":"%s","loc":["%s"],"msg":"%s"}]}' % (key, key, key)),
        "half a key": answer(422, b'{"detail":[{"type":"x","loc":[],"msg":"%s%s"}]}' % (b"-" * 280, key)),
        "busy": answer(503, b'{"detail":[{"type":"x","loc":[],"msg":"%s"}]}' % key),
        "late": answer(504, b'{"detail":[{"type":"x","loc":[],"msg":"%s"}]}' % key),
        "failure": answer(500, b'{"detail":[{"type":"x","loc":[],"msg":"%s"}]}' % key),
        "answer": answer(200, b'{"price_range": "%s"}' % key),
        "broken text": answer(200, b'"%s\xff' % key),
        "Content-Type": answer(200, b"", f"Content-Type: {'x' * 190}{KEY}"),
        "Content-Encoding": answer(200, b"", f"Content-Encoding: {KEY}"),
        "status line": b"HTTP/1.1 %s\r\n\r\n" % key,
        "header line": b"HTTP/1.1 200 OK\r\n%s\r\n\r\n" % key,
        "length": b"HTTP/1.1 200 OK\r\nContent-Length: %s\r\n\r\n" % key,
        "nothing": b"",
    }


@pytest.mark.parametrize("way", echoes())
def test_the_key_is_in_no_exception_nor_in_what_led_to_it(
    ask: Ask, way: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)

    def asks(client: Any) -> Any:
        return client.predict_table(TABLE) if way == "broken text" else client.predict(PHONE)

    with Peer(echoes()[way]) as peer, pytest.raises(ServiceError) as raised:
        ask(peer.url, asks, retries=0, api_key=KEY)
    error = raised.value
    assert error.__cause__ is error.__context__ is None
    told = "".join(traceback.format_exception(error)) + repr(error) + repr(vars(error)) + caplog.text
    assert KEY[:16] not in told


def test_nor_are_the_name_and_password_of_the_url(ask: Ask) -> None:
    basic = "bWU6aGlkZGVu"  # me:hidden, as Authorization has it
    body = b'{"detail":[{"type":"x","loc":[],"msg":"You sent Basic %s"}]}' % basic.encode()
    with Peer(answer(422, body)) as peer, pytest.raises(RefusalError, match="You sent Basic") as raised:
        ask(peer.url.replace("//", "//me:hidden@"), lambda client: client.predict(PHONE))
    assert basic.encode() in peer.requests[0]
    assert basic not in str(raised.value) + repr(raised.value.violations)


def test_no_chain_is_left_after_retries(ask: Ask) -> None:
    with Peer(BUSY, b"", BUSY) as peer, pytest.raises(UnavailableError) as raised:
        ask(peer.url, predict, retries=2)
    assert raised.value.__cause__ is raised.value.__context__ is None


def test_a_packed_answer_is_taken(ask: Ask, good: bytes) -> None:
    packed = gzip.compress(good.partition(b"\r\n\r\n")[2])
    with Peer(answer(200, packed, GZIP)) as peer:
        assert ask(peer.url, lambda client: client.predict(Phone(**PHONE.model_dump()))).label == "high"
    assert b"Accept-Encoding: gzip\r\n" in peer.requests[0]
