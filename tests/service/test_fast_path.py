"""The fast path against FastAPI's own path: the same bytes, whatever is sent and however it is written."""

import json
import math
import socket
import struct
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from io import BufferedReader
from typing import TypeAlias

import httpx
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.phone import EXAMPLE, FEATURES, SPECIFICATIONS, Phone, Specification, to_specifications
from service.valid_phone import ValidPhone
from tests.asgi import BODY, JSON, Request
from tests.service.two_paths import LIMIT, TwoPaths
from tests.service.written_values import valid_values

TEXT = (b"content-type", b"text/plain")

# fmt: off
ODD_VALUES = [
    "NaN", "-NaN", "nan", "Infinity", "-Infinity", "1e999", "-1e999", "1e-999", "1e39", "-1", "-0.0", "0.5",
    "2", "65537", "null", "true", "false", "[]", "[1]", "{}", '{"a":1}', '"842"', '""', '"\\ud800"',
    '"\\u0031"', '"\xe9"', "01", "1.", ".5", "+1", "-01", "0x10", "1_000", "1e", "--1", "\xb2", "", " ",
    "[" * 2_000, "9" * 400, "9" * 5_000, "0." + "9" * 5_000,
]
# fmt: on

ODD_KEYS = ["Ram", "ram ", "", "colour", "ra", r"\u0072am", r"r\u0061\u006D", r"\ud800", "\xe9", r"ram\u0000"]

Written: TypeAlias = tuple[str, str]
"""A field: its name, as it stands between the quotes, and its value."""


def odd_values(spec: Specification) -> st.SearchStrategy[str]:
    """A value that is wrong for this specification or for others."""
    beyond = [
        math.nextafter(spec.low, -math.inf),
        math.nextafter(spec.high, math.inf),
        spec.low - 1,
        spec.high + 1,
    ]
    return st.sampled_from([*ODD_VALUES, *map(repr, beyond)])


def nearly_whole(spec: Specification) -> st.SearchStrategy[str]:
    """A whole number and a trace more, or all but a trace: 4.0000001, 3.9999999991."""
    digits = st.builds("{0:{0}<{1}}1".format, st.sampled_from("09"), st.integers(3, 25))
    return st.builds("{}.{}".format, st.integers(int(spec.low), int(spec.high)), digits)


def any_of(values: Callable[[Specification], st.SearchStrategy[str]]) -> st.SearchStrategy[Written]:
    """One of the fields with one of its `values`."""
    specs = SPECIFICATIONS.values()
    return st.one_of([st.tuples(st.just(spec.name), values(spec)) for spec in specs])


def ordered(start: int, backwards: bool, changed: Sequence[Written]) -> list[Written]:
    """The example phone with some fields `changed`, in one of 40 orders."""
    phone = {name: str(value) for name, value in EXAMPLE.items()} | dict(changed)
    fields = [*phone.items()][start:] + [*phone.items()][:start]
    return fields[::-1] if backwards else fields


def phones(changed: st.SearchStrategy[Sequence[Written]]) -> st.SearchStrategy[list[Written]]:
    return st.builds(ordered, st.integers(0, 19), st.booleans(), changed)


def body_of(fields: Iterable[Written], space: str = "", escaped: str = "") -> bytes:
    """The object, with `space` where there may be some, and the letters `escaped` of its keys as \\uXXXX."""
    letters = str.maketrans({letter: f"\\u{ord(letter):04x}" for letter in escaped})
    items = (f'{space}"{key.translate(letters)}"{space}:{space}{value}{space}' for key, value in fields)
    return f"{space}{{{','.join(items)}}}{space}".encode()


VALID = any_of(valid_values)
ODD = any_of(odd_values)
NEARLY_WHOLE = any_of(nearly_whole)

VALID_BODIES = st.builds(
    body_of,
    phones(st.lists(VALID, max_size=5)),
    st.sampled_from(["", "", " ", "\n\t", "\r\n  "]),
    st.sampled_from(["", "", "a", "_", "mr_", "".join(sorted(set("".join(FEATURES))))]),
)


def with_other_fields(fields: list[Written], changes: list[tuple[str, int, Written]]) -> bytes:
    """A phone with fields missing, misspelt, more or repeated."""
    for change, place, (key, value) in changes:
        match change:
            case "missing":
                del fields[place]
            case "misspelt":
                fields[place] = key, fields[place][1]
            case "more":
                fields.insert(place, (key, value))
    return body_of(fields)


def changes(change: str, more: st.SearchStrategy[Written]) -> st.SearchStrategy[tuple[str, int, Written]]:
    return st.tuples(st.just(change), st.integers(0, 10), more)


ODDLY_NAMED = st.tuples(st.sampled_from(ODD_KEYS), st.just("1"))
REPEATED = changes("more", VALID)
OTHER_FIELDS = (
    changes("missing", VALID) | changes("misspelt", ODDLY_NAMED) | changes("more", ODDLY_NAMED | ODD)
)
BODIES_OF_OTHER_FIELDS = st.builds(
    with_other_fields,
    phones(st.lists(VALID, max_size=1)),
    st.lists(REPEATED, min_size=1, max_size=3) | st.lists(REPEATED | OTHER_FIELDS, min_size=1, max_size=3),
)

MEANINGFUL = b'0123456789.eE+-"{}[]:, \n\\/\x00\x7f\x80\xc3\xff'


def damaged(changes: list[tuple[str, int, int]]) -> bytes:
    """The example with some bytes changed, put in or taken out, or cut short."""
    body = bytearray(BODY)
    for change, at, byte in changes:
        place = at % len(body)
        match change:
            case "change":
                body[place] = byte
            case "flip a bit":
                body[place] ^= 1 << byte % 8
            case "put in":
                body.insert(place, byte)
            case "take out":
                del body[place]
            case "cut":
                del body[place + 1 :]
    return bytes(body)


PLACES = st.integers(0, len(BODY) - 10)
DIGITS = st.sampled_from([place for place, byte in enumerate(BODY) if chr(byte).isdigit()])
BYTES = st.sampled_from(MEANINGFUL) | st.integers(0, 255)
CHANGES = st.sampled_from(["change", "flip a bit", "put in", "take out"])
DAMAGED_BODIES = st.builds(
    damaged,
    st.lists(st.tuples(CHANGES, PLACES | DIGITS, BYTES), min_size=1, max_size=3)
    | st.lists(st.tuples(CHANGES, DIGITS, st.sampled_from(b"0123456789")), min_size=1, max_size=1)
    | st.lists(st.tuples(st.just("cut"), PLACES, BYTES), min_size=1, max_size=1),
)


def bits(values: object) -> bytes:
    """The doubles themselves: == would take -0.0 for 0.0."""
    return struct.pack(f"{len(FEATURES)}d", *values)  # type: ignore[misc]


def check_values(body: bytes) -> None:
    """Check that what the fast path has read is what `Phone` reads."""
    fast = msgspec.structs.astuple(msgspec.json.decode(body, type=ValidPhone))
    assert bits(fast) == bits(to_specifications([Phone.model_validate(json.loads(body))])[0])


def outcomes(both: TwoPaths, bodies: st.SearchStrategy[bytes], examples: int) -> Counter[tuple[int, bool]]:
    """Send `bodies` on both paths; count the answers by their status and whether the fast path gave them."""
    seen: Counter[tuple[int, bool]] = Counter()

    @settings(max_examples=examples, derandomize=True, deadline=None)
    @given(bodies)
    def alike(body: bytes) -> None:
        found, taken = both.agree(Request((body,)))
        assert found.status == 200 or not taken
        if taken:
            check_values(body)
        seen[found.status, taken] += 1

    alike()
    return seen


FAST = (200, True)
PLAIN = (200, False)
REFUSED = (422, False)


def test_a_valid_phone_is_answered_ahead_of_fastapi_with_the_same_bytes(both: TwoPaths) -> None:
    assert outcomes(both, VALID_BODIES, 700).keys() == {FAST}


def test_a_phone_of_any_valid_values_is_answered_ahead_of_fastapi(both: TwoPaths) -> None:
    every = st.tuples(
        *(st.tuples(st.just(name), valid_values(spec)) for name, spec in SPECIFICATIONS.items())
    )
    assert outcomes(both, st.builds(body_of, every), 100).keys() == {FAST}


def test_a_whole_number_with_a_trace_of_decimals_is_left_to_fastapi(both: TwoPaths) -> None:
    """Some of them pydantic lets pass, and then the answer is the same."""
    seen = outcomes(both, st.builds(body_of, phones(st.tuples(NEARLY_WHOLE))), 300)
    assert seen.keys() == {FAST, PLAIN, REFUSED}  # fast where a double cannot hold the trace
    assert min(seen.values()) > 10


def test_an_odd_value_is_judged_by_fastapi(both: TwoPaths) -> None:
    seen = outcomes(both, st.builds(body_of, phones(st.lists(ODD, min_size=1, max_size=2))), 600)
    # fast where it is odd for other fields only, plain where true or false is that of a flag
    assert seen.keys() == {FAST, PLAIN, REFUSED}
    assert min(seen.values()) >= 3


def test_missing_unknown_and_repeated_fields_are_judged_alike(both: TwoPaths) -> None:
    seen = outcomes(both, BODIES_OF_OTHER_FIELDS, 500)
    assert seen.keys() == {FAST, REFUSED}  # fast where nothing was changed
    assert seen[REFUSED] > 200


def test_a_damaged_body_is_judged_alike(both: TwoPaths) -> None:
    seen = outcomes(both, DAMAGED_BODIES, 900)
    assert {FAST, REFUSED} <= seen.keys()
    assert min(seen[FAST], seen[REFUSED]) > 50


def test_any_bytes_at_all_are_judged_alike(both: TwoPaths) -> None:
    seen = outcomes(both, st.binary(max_size=64), 200)
    assert not any(taken for _, taken in seen)


@pytest.mark.parametrize(
    "encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-7", "cp037"]
)
def test_another_encoding_is_left_to_fastapi(both: TwoPaths, encoding: str) -> None:
    for phone in (EXAMPLE, EXAMPLE | {"ram": 8_192}, EXAMPLE | {"ram": -1}, EXAMPLE | {"r\xe4m": 1}):
        body = json.dumps(phone, ensure_ascii=False).encode(encoding, "replace")
        _, taken = both.agree(Request((body,)))
        assert taken == (encoding == "utf-7" and phone["ram"] > 0 and len(phone) == 20), "not ASCII"


WHITESPACE = [b" ", b"\n\t\r "]
GARBAGE = [b"\0", b"{}", b",", b"x", b"\xef\xbb\xbf", b"\f", b"\v", b"\xa0", b"/**/", b"\x1e"]


@pytest.mark.parametrize("around", WHITESPACE + GARBAGE)
def test_only_whitespace_may_stand_around_a_phone(both: TwoPaths, around: bytes) -> None:
    for body in (around + BODY, BODY + around, around + BODY + around):
        _, taken = both.agree(Request((body,)))
        assert taken == (around in WHITESPACE)


@pytest.mark.parametrize(
    ("headers", "status", "fast"),
    [
        ((JSON,), 200, True),
        ((JSON, TEXT), 200, False),
        ((TEXT, JSON), 415, False),
        ((JSON, JSON), 200, False),
        ((), 415, False),
        (((b"accept", b"application/json"),), 415, False),
        (((b"content-type", b""), JSON), 415, False),
        (((b"content-type", b"application/json; charset=utf-8"),), 200, False),
        (((b"content-type", b"application/json;"),), 200, False),
        (((b"content-type", b" application/json "),), 200, False),
        (((b"content-type", b"Application/JSON"),), 200, False),
        (((b"content-type", b"application/json, text/plain"),), 415, False),
        (((b"content-type", b"application/ld+json"),), 415, False),
        (((b"content-type", b"text/json"),), 415, False),
        (((b"content-type", b"text/csv"),), 415, False),
        (((b"content-type", b"\xff"),), 415, False),
        ((JSON, (b"content-encoding", b"gzip")), 415, False),
        ((JSON, (b"content-encoding", b"identity")), 200, False),
        ((JSON, (b"content-length", b"1")), 200, True),
        ((JSON, (b"accept", b"text/html"), (b"x-forwarded-for", b"1.2.3.4")), 200, True),
    ],
)
def test_headers_are_heeded_alike(
    both: TwoPaths, headers: tuple[tuple[bytes, bytes], ...], status: int, fast: bool
) -> None:
    found, taken = both.agree(Request(headers=headers))
    assert (found.status, taken) == (status, fast)
    both.agree(Request((b"{}",), headers))


@pytest.mark.parametrize(
    ("parts", "status", "fast"),
    [
        ((BODY, b""), 200, False),
        ((b"", BODY), 200, False),
        ((BODY[:100], BODY[100:]), 200, False),
        ((BODY[:-1], b"}", b"\n"), 200, False),
        ((BODY, b"}"), 422, False),
        ((b"",), 422, False),
        ((BODY.ljust(LIMIT),), 200, True),
        ((BODY.ljust(LIMIT + 1),), 413, False),
        ((BODY, b" " * LIMIT), 413, False),
    ],
    ids=[
        "two",
        "empty first",
        "split",
        "three",
        "too much",
        "empty",
        "largest",
        "too large",
        "two, too large",
    ],
)
def test_a_body_is_read_alike_however_it_arrives(
    both: TwoPaths, parts: tuple[bytes, ...], status: int, fast: bool
) -> None:
    found, taken = both.agree(Request(parts))
    assert (found.status, taken) == (status, fast)


@pytest.mark.parametrize("parts", [(), (b"",), (BODY[:9],), (BODY,), (BODY[:9], BODY[9:])], ids=len)
def test_a_client_that_leaves_early_is_met_alike(both: TwoPaths, parts: tuple[bytes, ...]) -> None:
    _, taken = both.agree(Request(parts, sent_whole=False))
    assert not taken


@pytest.mark.parametrize(
    ("request_", "status", "fast"),
    [
        (Request(query=b"x=1"), 422, False),
        (Request(path="/predict/"), 404, False),
        (Request(path="//predict"), 404, False),
        (Request(path="/PREDICT"), 404, False),
        (Request(path="/predict/batch"), 422, False),
        (Request(path="/api/predict", root_path="/api"), 200, False),
        (Request(path="/predict", root_path="/api"), 200, True),
        (Request(method="GET"), 405, False),
        (Request(method="HEAD"), 405, False),
        (Request(method="PUT"), 405, False),
        (Request(method="OPTIONS"), 405, False),
        (Request(method="post"), 405, False),
    ],
    ids=lambda value: f"{value.method} {value.path}" if isinstance(value, Request) else None,
)
def test_methods_and_paths_are_heeded_alike(
    both: TwoPaths, request_: Request, status: int, fast: bool
) -> None:
    found, taken = both.agree(request_)
    assert (found.status, taken) == (status, fast)


@pytest.mark.parametrize(("body", "status"), [(BODY, 503), (b"{}", 503), (b"{", 422)])
def test_without_a_model_it_is_left_to_fastapi(both: TwoPaths, body: bytes, status: int) -> None:
    found, taken = both.agree(Request((body,)), loaded=False)
    assert (found.status, taken) == (status, False)


# over a real connection


def posted(body: bytes) -> bytes:
    length = f"content-length: {len(body)}".encode()
    return (
        b"POST /predict HTTP/1.1\r\nhost: h\r\ncontent-type: application/json\r\n"
        + length
        + b"\r\n\r\n"
        + body
    )


def read_answer(connection: BufferedReader) -> tuple[int, bytes]:
    """Read one answer, and not a byte of the next."""
    status = int(connection.readline().split()[1])
    length = 0
    while (line := connection.readline().lower()) != b"\r\n":
        if line.startswith(b"content-length:"):
            length = int(line.split()[1])
    return status, connection.read(length)


def test_requests_of_one_connection_get_their_own_answers_in_their_order(service: httpx.Client) -> None:
    """The fast ones do not overtake the others, sent one by one or all at once."""
    phones = [json.dumps(EXAMPLE | {"ram": ram}).encode() for ram in range(4_000, 4_020)]
    bodies = [body for phone in phones for body in (phone, phone[:-1], phone + b" ")]
    answers = [
        service.post("/predict", content=body, headers={"Content-Type": "application/json"})
        for body in bodies
    ]
    expected = [(answer.status_code, answer.content) for answer in answers]
    assert {status for status, _ in expected} == {200, 422}
    with (
        socket.create_connection((service.base_url.host, service.base_url.port), timeout=30) as connection,
        connection.makefile("rb") as incoming,
    ):
        for body, answer in zip(bodies, expected, strict=True):
            connection.sendall(posted(body))
            assert read_answer(incoming) == answer
        connection.sendall(b"".join(map(posted, bodies)))
        assert [read_answer(incoming) for _ in bodies] == expected
