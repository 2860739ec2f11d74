"""Long tables over real sockets: in bounded memory, others answered, and no half that looks whole."""

import json
import socket
import threading
from collections.abc import Iterator

import httpx
import psutil
import pytest

from contract.phone import EXAMPLE, FEATURES
from service.media_type import CSV, JSON, NDJSON
from tests.running_service import ARTIFACTS, RunningService, running_service
from tests.tables import body

HEADER = ",".join(FEATURES) + "\n"
LINE = ",".join(str(EXAMPLE[name]) for name in FEATURES) + "\n"
BAD = LINE.replace("2048", "-1")
MIB = 2**20


@pytest.fixture(scope="module")
def running() -> Iterator[RunningService]:
    with running_service(ARTIFACTS, PHONE_PRICE_MAX_TABLE_ROWS="200000") as service:
        yield service


def lines(count: int, last: str = "") -> Iterator[bytes]:
    yield HEADER.encode()
    for _ in range(count // 1_000):
        yield (LINE * 1_000).encode()
    yield last.encode()


def post(running: RunningService, content: Iterator[bytes], **choices: str) -> httpx.Response:
    headers = {"Content-Type": CSV, "Accept": CSV}
    return running.client.post("/predict/batch", content=content, headers=headers, params=choices)


@pytest.mark.parametrize("on_error", ["fail", "skip"])
def test_a_client_that_sends_all_before_it_reads_is_answered(running: RunningService, on_error: str) -> None:
    response = post(running, lines(150_000), on_error=on_error)
    assert response.status_code == 200
    assert response.text.count("\n") == 150_001


def test_memory_stays_bounded_and_others_are_answered_meanwhile(running: RunningService) -> None:
    done = threading.Event()
    resident: list[float] = []

    def ask() -> None:
        with httpx.Client(base_url=running.client.base_url, timeout=30) as other:
            while not done.wait(0.01):
                assert other.post("/predict", json=EXAMPLE).status_code == 200
                assert other.get("/health").status_code == 200
                resident.append(psutil.Process(running.process.pid).memory_info().rss)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        assert post(running, lines(200_000)).status_code == 200
    finally:
        done.set()
        asking.join()
    assert len(resident) > 3
    # 34 MiB of them are pandas, which pyarrow imports where there is one
    assert max(resident) < 234 * MIB


def test_a_broken_last_row_of_a_long_table_is_a_refusal_and_no_answer(running: RunningService) -> None:
    response = post(running, lines(150_000, BAD))
    assert response.status_code == 422
    assert response.json()["detail"][0]["loc"] == ["body", "line", 150_002, "ram"]


def test_a_broken_first_row_is_told_to_a_client_that_goes_on_sending(running: RunningService) -> None:
    content = (HEADER + BAD).encode()
    response = post(running, (piece for pieces in ([content], lines(150_000)) for piece in pieces))
    assert response.status_code == 422
    assert response.json()["detail"][0]["loc"] == ["body", "line", 2, "ram"]


def test_a_table_above_the_limit_is_refused(running: RunningService) -> None:
    response = post(running, lines(200_000, LINE))
    assert response.status_code == 422
    assert "at most 200000 in one table" in response.json()["detail"][0]["msg"]


def test_with_skip_answers_come_before_the_table_has_ended(running: RunningService) -> None:
    phone = json.dumps(EXAMPLE).encode() + b"\n"
    piece = phone * 2_000
    with socket.create_connection((running.client.base_url.host, running.client.base_url.port), 20) as raw:
        raw.sendall(
            b"POST /predict/batch?on_error=skip HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\n"
            b"Accept: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        raw.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
        begun = raw.recv(200)
        assert begun.startswith(b"HTTP/1.1 200")
        raw.sendall(b"0\r\n\r\n")
        answer = begun
        while not answer.endswith(b"\r\n0\r\n\r\n"):
            answer += raw.recv(65_536)
    assert answer.count(b'"price_range"') == 2_000


def test_what_breaks_off_after_the_beginning_does_not_look_whole(running: RunningService) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        post(running, lines(100_000, '"open'), on_error="skip")
    assert running.client.post("/predict", json=EXAMPLE).status_code == 200


def test_a_client_that_leaves_harms_nobody(running: RunningService) -> None:
    for choice in ("fail", "skip"):
        with socket.create_connection(
            (running.client.base_url.host, running.client.base_url.port), 20
        ) as raw:
            raw.sendall(
                f"POST /predict/batch?on_error={choice} HTTP/1.1\r\nHost: x\r\nContent-Type: text/csv\r\n"
                f"Transfer-Encoding: chunked\r\n\r\n".encode()
            )
            piece = (HEADER + LINE * 5_000).encode()
            raw.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
    assert running.client.post("/predict", json=EXAMPLE).status_code == 200


def test_json_is_held_whole_and_so_limited(running: RunningService) -> None:
    headers = {"Content-Type": JSON}
    large = running.client.post("/predict/batch", content=b" " * 9 * MIB, headers=headers)
    assert large.status_code == 413
    many = running.client.post("/predict/batch", content=body(JSON, [EXAMPLE] * 10_001), headers=headers)
    assert many.status_code == 422


def test_skipped_rows_are_no_predictions_to_the_metrics(running: RunningService) -> None:
    def predicted() -> float:
        text = running.client.get("/metrics").text
        return sum(
            float(line.split()[-1])
            for line in text.splitlines()
            if line.startswith("phone_price_predictions_total")
        )

    before = predicted()
    table = body(NDJSON, [EXAMPLE, {**EXAMPLE, "ram": -1}, EXAMPLE])
    headers = {"Content-Type": NDJSON}
    running.client.post("/predict/batch?on_error=skip", content=table, headers=headers).raise_for_status()
    assert predicted() - before == 2
