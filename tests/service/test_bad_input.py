"""Whatever is sent: a refusal that names the field, in one shape, short, without what was sent."""

import json
import math

import httpx
import pytest

from contract.phone import EXAMPLE, FEATURES
from service.media_type import TABLES
from tests.running_service import ARTIFACTS, running_service

JSON = {"Content-Type": "application/json"}
CSV = {"Content-Type": "text/csv"}
CANARY = "S3cr3t-canary"
ROW = ",".join(str(EXAMPLE[name]) for name in FEATURES)


def phone(**fields: object) -> bytes:
    return json.dumps({**EXAMPLE, **fields}).encode()


def raw(name: str, value: bytes) -> bytes:
    """A phone with `value` written as it stands."""
    return phone(**{name: CANARY}).replace(f'"{CANARY}"'.encode(), value)


def without(name: str) -> bytes:
    return json.dumps({other: value for other, value in EXAMPLE.items() if other != name}).encode()


def checked_refusal(response: httpx.Response, *statuses: int) -> list[dict[str, object]]:
    """Check what holds for every refusal; return its details."""
    assert response.status_code in statuses, response.text
    assert response.headers["content-type"] == "application/json"
    assert len(response.content) <= 8 * 1024
    assert CANARY not in response.text
    assert "Traceback" not in response.text
    details = response.json()["detail"]
    assert details
    json.dumps(details, ensure_ascii=False).encode()  # text that any program can hold: no lone surrogate
    for detail in details:
        assert detail.keys() == {"type", "loc", "msg"}
        assert detail["msg"]
    return list(details)


BAD_FIELDS = [
    ("missing", "ram", without("ram")),
    ("a string", "ram", phone(ram="842")),
    ("a secret string", "ram", phone(ram=CANARY)),
    ("true", "ram", phone(ram=True)),
    ("null", "ram", phone(ram=None)),
    ("a list", "ram", phone(ram=[CANARY])),
    ("an object", "ram", phone(ram={CANARY: CANARY})),
    ("decimals", "n_cores", phone(n_cores=2.5)),
    ("negative", "ram", phone(ram=-1)),
    ("too large", "ram", phone(ram=65_537)),
    ("a flag of two", "blue", phone(blue=2)),
    ("half a core", "n_cores", phone(n_cores=0.5)),
    ("NaN", "clock_speed", phone(clock_speed=math.nan)),
    ("infinity", "clock_speed", phone(clock_speed=math.inf)),
    ("minus infinity", "clock_speed", phone(clock_speed=-math.inf)),
    ("1e999", "clock_speed", raw("clock_speed", b"1e999")),
    ("1e39, which overflows float32", "clock_speed", raw("clock_speed", b"1e39")),
    ("a lone surrogate", "ram", raw("ram", rb'"\ud800"')),
    ("4,000 digits", "ram", raw("ram", b"9" * 4_000)),
    ("extra", "colour", phone(colour=CANARY)),
    ("misspelt", "Ram", phone(Ram=1)),
]


@pytest.mark.parametrize(
    ("name", "body"), [case[1:] for case in BAD_FIELDS], ids=[case[0] for case in BAD_FIELDS]
)
def test_a_bad_field_is_named_alone_and_in_a_batch(service: httpx.Client, name: str, body: bytes) -> None:
    alone = checked_refusal(service.post("/predict", content=body, headers=JSON), 422)
    assert [detail["loc"] for detail in alone] == [["body", name]]
    batch = b'{"phones": [' + body + b"]}"
    in_batch = checked_refusal(service.post("/predict/batch", content=batch, headers=JSON), 422)
    # pydantic's own parser refuses a lone surrogate as JSON, before there is a field
    assert [detail["loc"] for detail in in_batch] in ([["body", "phones", 0, name]], [["body"]])


def test_a_field_that_comes_twice_is_named(service: httpx.Client) -> None:
    for twice in (phone()[:-1] + b', "ram": 1}', phone()[:-1] + rb', "r\u0061m": 1, "wifi": 0}'):
        details = checked_refusal(service.post("/predict", content=twice, headers=JSON), 422)
        assert {detail["type"] for detail in details} == {"duplicate_field"}
        assert ["body", "ram"] in [detail["loc"] for detail in details]
        assert all("twice" in str(detail["msg"]) for detail in details)


BAD_BODIES = [
    ("empty", b""),
    ("blank", b" "),
    ("cut short", phone()[:-1]),
    ("not JSON", CANARY.encode()),
    ("an array", b"[1, 2, 3]"),
    ("null", b"null"),
    ("a number", b"5"),
    ("a string", f'"{CANARY}"'.encode()),
    ("two values", phone() + phone()),
    ("5,000 digits", raw("ram", b"9" * 5_000)),
    ("30,000 nested arrays", b"[" * 30_000 + b"]" * 30_000),
    ("30,000 nested objects", b'{"a":' * 30_000 + b"1" + b"}" * 30_000),
    ("not UTF-8", b'{"ram": "\xff\xfe"}'),
    ("a NUL", b"\0"),
    ("a lone surrogate as a key", rb'{"\ud800": 1}'),
    ("6,000 unknown keys", json.dumps({f"key{number}" * 4: CANARY for number in range(6_000)}).encode()),
    ("a long unknown key", json.dumps({"é" * 100_000: 1}).encode()),
    ("nothing known", b"{}"),
    ("gzip", b"\x1f\x8b\x08\0\0\0\0\0"),
]


@pytest.mark.parametrize("path", ["/predict", "/predict/batch", "/explain", "/what-if"])
@pytest.mark.parametrize("body", [case[1] for case in BAD_BODIES], ids=[case[0] for case in BAD_BODIES])
def test_a_bad_body_is_refused(service: httpx.Client, path: str, body: bytes) -> None:
    checked_refusal(service.post(path, content=body, headers=JSON), 413, 422)


NO_JSON = ["blank", "cut short", "two values", "5,000 digits", "not UTF-8", "gzip"]


@pytest.mark.parametrize("case", NO_JSON)
def test_what_is_no_json_is_named_alike_everywhere(service: httpx.Client, case: str) -> None:
    body = dict(BAD_BODIES)[case]
    for path in ("/predict", "/predict/batch", "/explain", "/what-if"):
        (found,) = checked_refusal(service.post(path, content=body, headers=JSON), 422)
        assert (found["type"], found["msg"]) == ("json_invalid", "The body is not JSON"), path
        assert found["loc"][:1] == ["body"]  # type: ignore[index]


@pytest.mark.parametrize(
    "kind",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/xml", "", "é"],
)
@pytest.mark.parametrize("path", ["/predict", "/predict/batch", "/explain", "/what-if"])
def test_another_content_type_is_refused_with_those_accepted(
    service: httpx.Client, path: str, kind: str
) -> None:
    headers = [(b"Content-Type", kind.encode("latin-1"))]
    refused = service.post(path, content=phone(), headers=headers)
    (detail,) = checked_refusal(refused, 415)
    assert "application/json" in str(detail["msg"])
    accepted = refused.headers["accept"].split(", ")
    assert accepted == (list(TABLES) if path == "/predict/batch" else ["application/json"])
    assert all(kind in str(detail["msg"]) for kind in accepted)


def test_a_body_without_a_content_type_is_refused(service: httpx.Client) -> None:
    request = service.build_request("POST", "/predict", content=phone())
    assert "content-type" not in request.headers
    checked_refusal(service.send(request), 415)


def test_a_compressed_body_is_not_unpacked(service: httpx.Client) -> None:
    for path in ("/predict", "/predict/batch"):
        response = service.post(path, content=b"\x1f\x8b", headers=JSON | {"Content-Encoding": "gzip"})
        (violation,) = checked_refusal(response, 415)
        assert violation["msg"] == "The body is compressed; send it without Content-Encoding"
        assert response.headers["accept-encoding"] == "identity"


def many_unknown_keys(count: int) -> bytes:
    return b"{" + b",".join(b'"k%d":1' % number for number in range(count)) + b"}"


# each kept the service busy for minutes before it stopped at the first of a million mistakes
FLOODS = [
    ("unknown keys", "/predict", JSON, many_unknown_keys(500_000)),
    ("unknown keys in a batch", "/predict/batch", JSON, b'{"phones":[' + many_unknown_keys(500_000) + b"]}"),
    ("empty phones", "/predict/batch", JSON, b'{"phones":[' + b"{}," * 1_000_000 + b"{}]}"),
    ("short rows", "/predict/batch", CSV, ",".join(FEATURES).encode() + b"\n1" * 2_000_000),
    ("columns", "/predict/batch", CSV, b"a," * 3_000_000),
]


@pytest.mark.parametrize(
    ("path", "headers", "body"), [case[1:] for case in FLOODS], ids=[case[0] for case in FLOODS]
)
def test_a_flood_of_mistakes_is_refused_and_does_not_keep_others_waiting(
    service: httpx.Client, path: str, headers: dict[str, str], body: bytes
) -> None:
    checked_refusal(service.post(path, content=body, headers=headers, timeout=20), 413, 422)


BAD_TABLES = [
    ("a bad cell", f"{','.join(FEATURES)}\n{ROW.replace('2048', CANARY)}\n"),
    ("a missing column", "ram,wifi\n1,1\n"),
    ("a row too short", f"{','.join(FEATURES)}\n1,2,3\n"),
    ("a secret header", f"{CANARY},ram\n1,2\n"),
    ("an open quote", f'{",".join(FEATURES)}\n"{CANARY}'),
    ("empty", ""),
    ("only a header", ",".join(FEATURES)),
    ("a thousand bad rows", f"{','.join(FEATURES)}\n" + f"{ROW.replace('2048', '-1')}\n" * 1000),
]


@pytest.mark.parametrize("table", [case[1] for case in BAD_TABLES], ids=[case[0] for case in BAD_TABLES])
def test_a_bad_table_is_refused(service: httpx.Client, table: str) -> None:
    checked_refusal(service.post("/predict/batch", content=table, headers=CSV), 422)


@pytest.mark.parametrize("phones", [[], None, "", {}, [[]], [None], [1]])
def test_a_batch_that_is_no_list_of_phones_is_refused(service: httpx.Client, phones: object) -> None:
    checked_refusal(service.post("/predict/batch", json={"phones": phones}), 422)


@pytest.mark.parametrize("body", [EXAMPLE, [EXAMPLE], [], 5], ids=["a phone", "a list of them", "none", "5"])
def test_phones_that_are_no_batch_are_met_with_the_shape_of_one(service: httpx.Client, body: object) -> None:
    (violation,) = checked_refusal(service.post("/predict/batch", json=body), 422)
    assert 'Send {"phones": [...]}' in str(violation["msg"])


@pytest.mark.parametrize("chunked", [False, True], ids=["length declared", "chunked"])
@pytest.mark.parametrize("path", ["/predict", "/predict/batch"])
def test_a_body_that_is_too_large_is_refused(service: httpx.Client, path: str, chunked: bool) -> None:
    size = 9 * 2**20
    content = (b" " * 2**20 for _ in range(9)) if chunked else b" " * size
    (detail,) = checked_refusal(service.post(path, content=content, headers=JSON), 413)
    limit = 65536 if path == "/predict" else 8388608
    assert f"at most {limit} bytes" in str(detail["msg"])


def test_the_limit_of_a_body_is_a_setting() -> None:
    with running_service(ARTIFACTS, PHONE_PRICE_MAX_BODY_BYTES="1024") as running:
        assert running.client.post("/predict", json=EXAMPLE).status_code == 200
        padded = phone() + b" " * 1024
        checked_refusal(running.client.post("/predict", content=padded, headers=JSON), 413)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("GET", "/predict", 405),
        ("DELETE", "/predict/batch", 405),
        ("POST", "/health", 405),
        ("GET", "/../etc/passwd", 404),
    ],
)
def test_a_wrong_path_or_method_has_the_same_shape(
    service: httpx.Client, method: str, path: str, status: int
) -> None:
    checked_refusal(service.request(method, path), status)


def test_after_all_that_it_still_answers(service: httpx.Client) -> None:
    assert service.post("/predict", json=EXAMPLE).status_code == 200
