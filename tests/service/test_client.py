"""The service's own client, against a real service and against real peers that misbehave."""

import asyncio
import gzip
import json
import pickle
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeAlias

import httpx
import msgspec
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pydantic import ValidationError

from contract.errors import InvalidTableError
from contract.phone import EXAMPLE, FEATURES
from service.app import create_app
from service.client import (
    AnswerError,
    AsyncPhonePriceClient,
    DeadlineError,
    Phone,
    PhonePriceClient,
    Prediction,
    PriceRange,
    RefusalError,
    ServiceError,
    UnavailableError,
)
from service.client.asynchronous import AT_A_TIME
from service.client.attempts import Attempts
from service.client.tables import PIECE_ROWS, ArrowStream, specifications_of
from tests.running_service import ARTIFACTS, PROJECT, free_port, running_service, wait_until_ready
from training.made_up import PUBLISHED_RANGES, make_up_phones

TABLE = make_up_phones(50, PUBLISHED_RANGES, seed=11)
PHONES = [Phone.model_validate(row) for row in TABLE.to_dict("records")]
PHONE = Phone(**EXAMPLE)
KEY = "0123456789abcdef0123456789abcdef"

Ask: TypeAlias = Callable[..., Any]
"""Makes a client of a url and asks it once."""


def blocking(url: object, question: Callable[[Any], Any], **options: Any) -> Any:
    with PhonePriceClient(str(url), **options) as client:
        return question(client)


def in_a_loop(url: object, question: Callable[[Any], Any], **options: Any) -> Any:
    async def ask() -> Any:
        async with AsyncPhonePriceClient(str(url), **options) as client:
            return await question(client)

    return asyncio.run(ask())


@pytest.fixture(params=[blocking, in_a_loop], ids=["blocking", "asyncio"])
def ask(request: pytest.FixtureRequest) -> Ask:
    asks: Ask = request.param
    return asks


def plainly(service: httpx.Client, path: str, phone: Phone = PHONE) -> dict[str, Any]:
    """The answer as a plain HTTP client gets it."""
    answer: dict[str, Any] = service.post(path, json=phone.model_dump()).raise_for_status().json()
    return answer


# what it answers


def test_importing_it_imports_nothing_that_serves_or_reads_tables() -> None:
    code = "import sys, service.client; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    imported = set(done.stdout.split())
    assert "httpx" in imported
    assert not imported & {"fastapi", "starlette", "uvicorn", "onnxruntime", "pandas", "pyarrow", "torch"}


def test_a_prediction_is_what_plain_http_gets(ask: Ask, service: httpx.Client) -> None:
    unusual = Phone(**EXAMPLE | {"ram": 8_192, "four_g": 1, "three_g": 0})
    for phone in [*PHONES[:10], unusual]:
        prediction = ask(service.base_url, lambda client, phone=phone: client.predict(phone))
        assert as_told(prediction) == completed(plainly(service, "/predict", phone))


def as_told(answer: object) -> Any:
    """What was answered, as plain JSON has it."""
    return json.loads(msgspec.json.encode(answer))


def completed(answer: Any) -> Any:
    """Say of each warning that it has no tail_probability, where it has none."""
    if isinstance(answer, list):
        return [completed(each) for each in answer]
    if isinstance(answer, dict):
        told = {name: completed(value) for name, value in answer.items()}
        return {"tail_probability": None} | told if "message" in told else told
    return answer


def test_a_prediction_is_typed_and_cannot_be_changed(service: httpx.Client) -> None:
    prediction: Prediction = blocking(service.base_url, lambda client: client.predict(PHONE))
    assert prediction.price_range is PriceRange.HIGH
    assert prediction.prediction_set == (PriceRange.HIGH,)
    assert isinstance(prediction.probabilities, tuple)
    with pytest.raises(AttributeError):
        prediction.label = "low"  # type: ignore[misc]


@pytest.mark.parametrize("question", ["explain", "what_if"])
def test_reasons_and_changes_are_what_plain_http_gets(ask: Ask, service: httpx.Client, question: str) -> None:
    answer = ask(service.base_url, lambda client: getattr(client, question)(PHONE))
    plain = plainly(service, "/" + question.replace("_", "-"))
    assert as_told(answer) == completed(plain)


def test_health_and_model_are_what_plain_http_gets(ask: Ask, service: httpx.Client) -> None:
    health = ask(service.base_url, lambda client: client.health())
    plain = service.get("/health").json()
    assert (health.model_version, health.engine, health.refused) == (
        plain["model_version"],
        plain["engine"],
        None,
    )
    told = as_told(ask(service.base_url, lambda client: client.model_info()))
    plain = service.get("/model-info").json()
    assert told == {name: value for name, value in plain.items() if name != "classes"}
    assert [each["name"] for each in told["features"]] == list(FEATURES)


class CountingTransport(httpx.HTTPTransport):
    """The network, and how often it was used."""

    requests = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.requests += 1
        return super().handle_request(request)


def test_many_phones_are_cut_into_calls_and_keep_their_order(service: httpx.Client) -> None:
    transport = CountingTransport()
    many = blocking(service.base_url, lambda client: client.predict_many(PHONES, 7), transport=transport)
    assert transport.requests == 8
    check_predictions(service, many)


def check_predictions(service: httpx.Client, predictions: list[Prediction]) -> None:
    for prediction, phone in zip(predictions, PHONES, strict=True):
        plain = plainly(service, "/predict", phone)
        assert prediction.price_range == plain["price_range"]
        assert prediction.probabilities == pytest.approx(plain["probabilities"], abs=1e-6)
        assert prediction.expected_range == pytest.approx(plain["expected_range"], abs=1e-6)
        assert prediction.model_version == plain["model_version"]


def test_more_phones_than_the_service_takes_at_once_are_answered(ask: Ask, service: httpx.Client) -> None:
    many = ask(service.base_url, lambda client: client.predict_many(iter([*PHONES, *[PHONE] * 9_951])))
    assert len(many) == 10_001
    check_predictions(service, many[:50])


class CrowdedTransport(httpx.AsyncHTTPTransport):
    """The network, and how many requests were under way at most."""

    under_way = most = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            return await super().handle_async_request(request)
        finally:
            self.under_way -= 1


def test_any_number_may_ask_at_a_time_and_most_wait_where_that_is_cheap(service: httpx.Client) -> None:
    transport = CrowdedTransport()

    def question(client: AsyncPhonePriceClient) -> Any:
        return asyncio.gather(*(client.predict(phone) for phone in PHONES * 4))

    answers = in_a_loop(service.base_url, question, transport=transport)
    assert transport.most == AT_A_TIME
    check_predictions(service, answers[:50])
    labels = [each.label for each in answers]
    assert labels == labels[:50] * 4


def test_no_phones_are_answered_without_asking(ask: Ask) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    assert ask(nobody, lambda client: client.predict_many([]), retries=0) == []


def test_none_at_a_time_cannot_be_asked(ask: Ask, service: httpx.Client) -> None:
    for none in (0, -1):
        with pytest.raises(ValueError, match="phones_per_call"):
            ask(service.base_url, lambda client, none=none: client.predict_many(PHONES, none))


def test_a_wrong_phone_is_refused_before_anything_is_sent() -> None:
    with pytest.raises(ValidationError, match="ram"):
        Phone(**EXAMPLE | {"ram": -1})


def test_an_app_in_the_same_process_can_be_asked() -> None:
    async def asked() -> Prediction:
        app = create_app()
        async with app.router.lifespan_context(app) as state:

            async def with_state(scope: Any, receive: Any, send: Any) -> None:
                await app(dict(scope) | {"state": dict(state or {})}, receive, send)

            transport = httpx.ASGITransport(with_state)
            async with AsyncPhonePriceClient("http://in-process", transport=transport) as client:
                return await client.predict(PHONE)

    assert asyncio.run(asked()).label == "high"


# tables


def check_frame(service: httpx.Client, answer: pd.DataFrame) -> None:
    for (_, row), phone in zip(answer.iterrows(), PHONES, strict=True):
        plain = plainly(service, "/predict", phone)
        assert row["price_range"] == plain["price_range"]
        assert row["label"] == plain["label"]
        names = ["probability_low", "probability_medium", "probability_high", "probability_very_high"]
        assert [row[name] for name in names] == pytest.approx(plain["probabilities"], abs=1e-6)
        assert row["confidence"] == pytest.approx(plain["confidence"], abs=1e-6)
        assert row["expected_range"] == pytest.approx(plain["expected_range"], abs=1e-6)
        assert row["prediction_set"] == " ".join(map(str, plain["prediction_set"]))


@pytest.mark.parametrize("kind", ["float64", "float32", "int64 where whole", "Int64 where whole", "object"])
def test_a_data_frame_is_answered_with_one_that_has_its_index(
    ask: Ask, service: httpx.Client, kind: str
) -> None:
    first, _, where = kind.partition(" ")
    whole = [name for name in FEATURES if (TABLE[name] % 1 == 0).all()]
    kinds = dict.fromkeys(whole if where else FEATURES, first)
    frame = TABLE.astype(kinds)
    frame = frame[sorted(FEATURES, reverse=True)].assign(price_range=9, note=None)
    frame = frame.set_axis(TABLE.index[::-1] * 3)
    given = frame.copy()
    answer = ask(service.base_url, lambda client: client.predict_table(frame))
    pd.testing.assert_index_equal(answer.index, frame.index)
    pd.testing.assert_frame_equal(frame, given)
    assert answer.attrs["model_version"] == plainly(service, "/predict")["model_version"]
    assert "note" not in answer
    check_frame(service, answer)


def test_an_index_of_several_levels_is_kept(service: httpx.Client) -> None:
    frame = TABLE.set_index(pd.MultiIndex.from_arrays([range(50), ["shop"] * 50], names=["id", "where"]))
    answer = blocking(service.base_url, lambda client: client.predict_table(frame))
    assert frame.join(answer).shape == (50, 30)


def test_an_arrow_table_of_several_pieces_is_answered_with_one(ask: Ask, service: httpx.Client) -> None:
    rows = 2 * PIECE_ROWS + 7
    large = pa.Table.from_pandas(pd.concat([TABLE] * (rows // 50 + 1))[: rows - 3])
    table = pa.concat_tables([large, large[:3]])
    sent = pa.ipc.open_stream(b"".join(ArrowStream(specifications_of(table))))
    assert [batch.num_rows for batch in sent] == [PIECE_ROWS, PIECE_ROWS, 4, 3]
    answer = ask(service.base_url, lambda client: client.predict_table(table))
    assert isinstance(answer, pa.Table)
    assert answer.num_rows == rows
    assert answer.schema.metadata[b"model_version"]
    check_frame(service, answer.slice(0, 50).to_pandas())
    check_frame(service, answer.slice(32_700, 50).to_pandas())


def test_a_bad_row_is_named_by_row_and_column(ask: Ask, service: httpx.Client) -> None:
    frame = TABLE.astype({"n_cores": "float64"})
    frame.iloc[31, frame.columns.get_loc("n_cores")] = 2.5  # type: ignore[index]
    for table in (frame, pa.Table.from_pandas(frame)):
        with pytest.raises(RefusalError, match=r"Row 31 .*column n_cores") as raised:
            ask(service.base_url, lambda client, table=table: client.predict_table(table))
        (violation,) = raised.value.violations
        assert violation.loc == ("body", "row", 31, "n_cores")
        assert violation.type == "multiple_of"


@pytest.mark.parametrize(
    ("frame", "told"),
    [
        (pd.concat([TABLE, TABLE[["ram"]]], axis=1), "column ram is there twice"),
        (TABLE.assign(ram="lots"), "Column ram holds .*string"),
        (TABLE.assign(ram=np.nan), "Row 0 .*column ram: The value is missing"),
        (TABLE.assign(wifi=True), "Column wifi holds bool"),
        (TABLE[:0], "no rows"),
    ],
    ids=["twice", "text", "nothing", "true", "no rows"],
)
def test_a_table_that_is_none_of_phones_is_refused(
    ask: Ask, service: httpx.Client, frame: pd.DataFrame, told: str
) -> None:
    with pytest.raises(RefusalError, match=told) as raised:
        ask(service.base_url, lambda client: client.predict_table(frame))
    assert raised.value.status == 422


@pytest.mark.parametrize("columns", [[], ["ram"], [*FEATURES[1:], "Battery_power"]])
def test_a_column_that_is_missing_is_named_before_anything_is_sent(ask: Ask, columns: list[str]) -> None:
    frame = TABLE.reindex(columns=columns)
    for table in (frame, pa.Table.from_pandas(frame)):
        with pytest.raises(InvalidTableError, match=r"no column battery_power; .*\(mAh\)"):
            ask("http://127.0.0.1:1", lambda client, table=table: client.predict_table(table))


def test_a_column_of_this_and_that_is_refused_without_repeating_it(ask: Ask) -> None:
    mixed = TABLE.astype({"ram": "object"})
    mixed.iloc[3, mixed.columns.get_loc("ram")] = "secret"  # type: ignore[index]
    with pytest.raises(InvalidTableError, match="Column ram holds something else than numbers") as raised:
        ask("http://127.0.0.1:1", lambda client: client.predict_table(mixed))
    assert "secret" not in str(raised.value)


def test_what_is_no_table_is_a_type_error(ask: Ask) -> None:
    with pytest.raises(TypeError, match="not list"):
        ask("http://127.0.0.1:1", lambda client: client.predict_table([EXAMPLE]))


# who asks


@pytest.fixture(scope="module")
def locked() -> Iterator[httpx.Client]:
    with running_service(ARTIFACTS, PHONE_PRICE_API_KEYS=KEY) as running:
        yield running.client


def test_a_key_is_sent_and_never_told(
    ask: Ask, locked: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def predicts(client: Any) -> Any:
        assert KEY not in repr(client)
        return client.predict(PHONE)

    for none in (None, ""):
        with pytest.raises(RefusalError, match="A key is needed") as raised:
            ask(locked.base_url, predicts, api_key=none)
        assert raised.value.status == 401
    assert ask(locked.base_url, predicts, api_key=f" {KEY}\n").label == "high"
    monkeypatch.setenv("PHONE_PRICE_API_KEY", KEY)
    assert ask(locked.base_url, predicts).label == "high"
    with pytest.raises(RefusalError):
        ask(locked.base_url, predicts, api_key="")
    for url in (f"http://127.0.0.1:{free_port()}", str(locked.base_url) + "/elsewhere"):
        with pytest.raises(ServiceError) as failed:
            ask(url, predicts, retries=0)
        assert KEY not in repr(failed.value) + str(failed.value)


@pytest.mark.parametrize("key", [f"{KEY}\r\nX-Evil: 1", f"{KEY}é", f"{KEY}\0"])
def test_a_key_that_no_header_can_hold_is_refused_untold(ask: Ask, key: str) -> None:
    with pytest.raises(ValueError, match="api_key") as raised:
        ask("http://127.0.0.1:1", lambda client: client.health(), api_key=key)
    assert KEY not in repr(raised.value)


@pytest.mark.parametrize("url", ["", "127.0.0.1:8000", "ftp://me:hidden@there", "http://", "http://a\n"])
def test_a_url_that_leads_nowhere_is_refused_untold(ask: Ask, url: str) -> None:
    with pytest.raises(ValueError, match="url must be") as raised:
        ask(url, lambda client: client.health())
    assert "hidden" not in str(raised.value)


@pytest.mark.parametrize(
    ("name", "value"), [("timeout", 0), ("timeout", 601), ("timeout", float("nan")), ("retries", -1)]
)
def test_a_patience_that_cannot_be_is_refused(ask: Ask, name: str, value: float) -> None:
    with pytest.raises(ValueError, match=name):
        ask("http://127.0.0.1:1", lambda client: client.health(), **{name: value})


def test_what_the_service_alone_refuses_is_told_with_its_place(ask: Ask, service: httpx.Client) -> None:
    wrong = PHONE.model_copy(update={"ram": -1.0, "wifi": 7.0})  # which pydantic does not look at
    with pytest.raises(RefusalError, match="ram must be a whole number") as raised:
        ask(service.base_url, lambda client: client.predict(wrong))
    assert [each.loc for each in raised.value.violations] == [("body", "ram"), ("body", "wifi")]
    assert raised.value.status == 422
    again = pickle.loads(pickle.dumps(raised.value))  # noqa: S301 - its own
    assert (str(again), again.status, again.violations) == (
        str(raised.value),
        raised.value.status,
        raised.value.violations,
    )


# peers that misbehave

SILENCE, RESET, DRIP = b"silence", b"reset", b"drip"


class Peer:
    """Listens, gives each request the next of `turns`, and closes the connection."""

    def __init__(self, *turns: bytes) -> None:
        self.requests: list[bytes] = []
        self._turns = turns
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> "Peer":
        self._thread.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._ended.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        for turn in self._turns:
            try:
                connection = self._listener.accept()[0]
            except OSError:
                return
            with connection, suppress(OSError):
                self.requests.append(received(connection))
                self._answer(connection, turn)

    def _answer(self, connection: socket.socket, turn: bytes) -> None:
        if turn == SILENCE:
            self._ended.wait()
        elif turn == RESET:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif turn == DRIP:
            connection.sendall(answer(200, b"", length=10_000))
            while not self._ended.wait(0.02):
                connection.sendall(b" ")
        else:
            connection.sendall(turn)
            connection.shutdown(socket.SHUT_WR)
            connection.recv(1)  # until the client has closed too, so that nothing is reset


def received(connection: socket.socket) -> bytes:
    """Read a request to its end."""
    content = b""
    while True:
        head, blank, body = content.partition(b"\r\n\r\n")
        if blank:
            lengths = [line[16:] for line in head.split(b"\r\n") if line.startswith(b"Content-Length:")]
            chunked = b"chunked" in head and not body.endswith(b"0\r\n\r\n")
            if not chunked and (not lengths or len(body) >= int(lengths[0])):
                return content
        if not (part := connection.recv(65_536)):
            raise ConnectionError
        content += part


def answer(status: int, body: bytes, *headers: str, length: int | None = None) -> bytes:
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body) if length is None else length}", *headers]
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode() + body


HTML = "Content-Type: text/html"
BUSY = answer(503, b'{"detail":[{"type":"x","loc":[],"msg":"Too much to do"}]}', "Retry-After: 0")


@pytest.fixture(scope="module")
def good(service: httpx.Client) -> bytes:
    """The service's own answer to `PHONE`."""
    return answer(200, service.post("/predict", json=EXAMPLE).content, "Content-Type: application/json")


def predict(client: Any) -> Any:
    return client.predict(PHONE)


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
