"""Every kind of table in and out, over HTTP: the answers of the phones alone, by the same rules."""

from itertools import product
from typing import Any

import httpx
import pytest

from contract.phone import EXAMPLE
from service.media_type import ARROW, CSV, JSON, NDJSON, PARQUET, TABLES
from tests.tables import Row, body, probabilities, rows
from training.made_up import NOT_ABOVE, PUBLISHED_RANGES, make_up_phones

PHONES: list[Row] = make_up_phones(20, PUBLISHED_RANGES, seed=5).to_dict("records")  # type: ignore[assignment]
PHONES[3] = {**PHONES[3], "ram": 8_192, "fc": 19, "pc": 2}

COLUMNAR = (CSV, ARROW, PARQUET)


def post(
    service: httpx.Client, kind: str, content: bytes, accept: str = JSON, **choices: str
) -> httpx.Response:
    headers = {"Content-Type": kind, "Accept": accept}
    return service.post("/predict/batch", content=content, headers=headers, params=choices)


def answered(
    service: httpx.Client, kind: str, table: list[Row], accept: str = JSON, **choices: str
) -> list[Row]:
    response = post(service, kind, body(kind, table), accept, **choices)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].partition(";")[0] == accept
    return rows(accept, response.content)


@pytest.fixture(scope="module")
def alone(service: httpx.Client) -> list[Row]:
    return [service.post("/predict", json=phone).json() for phone in PHONES]


def in_a_word(warning: Row) -> str:
    """How a table tells of a warning."""
    if warning["kind"] == "broken_regularity":
        return f"{warning['feature']}>{NOT_ABOVE[warning['feature']]}"
    return str(warning["feature"] or "unlike")


@pytest.mark.parametrize(("kind", "accept"), list(product(TABLES, TABLES)))
def test_every_kind_gives_what_the_phones_give_alone(
    service: httpx.Client, alone: list[Row], kind: str, accept: str
) -> None:
    answers = answered(service, kind, PHONES, accept)
    assert len(answers) == len(alone)
    for answer, expected in zip(answers, alone, strict=True):
        assert probabilities(accept, answer) == pytest.approx(expected["probabilities"], abs=1e-6)
        assert int(answer["price_range"]) == expected["price_range"]
        assert answer["label"] == expected["label"]
        assert float(answer["confidence"]) == pytest.approx(expected["confidence"], abs=1e-6)
        assert float(answer["expected_range"]) == pytest.approx(expected["expected_range"], abs=2e-6)
        if accept in COLUMNAR:
            assert answer["prediction_set"] == " ".join(map(str, expected["prediction_set"]))
            assert answer["warnings"] == " ".join(map(in_a_word, expected["warnings"]))
        else:
            assert answer["prediction_set"] == expected["prediction_set"]
            assert [each["feature"] for each in answer["warnings"]] == [
                each["feature"] for each in expected["warnings"]
            ]


def test_the_model_is_named_in_the_header_and_in_the_schema(service: httpx.Client) -> None:
    import pyarrow as pa

    version = service.get("/model-info").json()["model_version"]
    response = post(service, CSV, body(CSV, PHONES), ARROW)
    assert response.headers["x-model-version"] == version
    assert pa.ipc.open_stream(response.content).schema.metadata == {b"model_version": version.encode()}


@pytest.mark.parametrize(("on_error", "missing"), [("fail", False), ("skip", True)])
def test_the_schema_says_whether_an_answer_may_be_missing(
    service: httpx.Client, on_error: str, missing: bool
) -> None:
    import pyarrow as pa

    response = post(service, CSV, body(CSV, PHONES), ARROW, on_error=on_error)
    assert {field.nullable for field in pa.ipc.open_stream(response.content).schema} == {missing}


BROKEN: list[tuple[str, dict[str, Any]]] = [
    ("ram", {"ram": -1}),
    ("n_cores", {"n_cores": 2.5}),
    ("blue", {"blue": 2}),
    ("wifi", {"wifi": None}),
    ("clock_speed", {"clock_speed": 0.049}),
    ("m_dep", {"m_dep": 10.5}),
]

WHERE = {
    JSON: ["body", "phones", 2],
    NDJSON: ["body", "line", 3],
    CSV: ["body", "line", 4],
    ARROW: ["body", "row", 2],
    PARQUET: ["body", "row", 2],
}


@pytest.mark.parametrize(("name", "change"), BROKEN, ids=[name for name, _ in BROKEN])
@pytest.mark.parametrize("kind", TABLES)
def test_a_broken_row_is_named_by_its_place_and_column(
    service: httpx.Client, kind: str, name: str, change: dict[str, Any]
) -> None:
    table = [EXAMPLE, EXAMPLE, {**EXAMPLE, **change}, EXAMPLE]
    response = post(service, kind, body(kind, table), kind)
    assert response.status_code == 422
    (detail,) = response.json()["detail"]
    assert detail["loc"] == [*WHERE[kind], name]
    assert name in detail["msg"]


@pytest.mark.parametrize("value", [4.0, 4.000000001, 4.00001, 4.5])
def test_every_kind_is_as_strict_about_whole_numbers_as_one_phone_alone(
    service: httpx.Client, value: float
) -> None:
    phone = {**EXAMPLE, "n_cores": value}
    alone = service.post("/predict", json=phone).status_code
    for kind in TABLES:
        assert post(service, kind, body(kind, [EXAMPLE, phone])).status_code == alone, kind


@pytest.mark.parametrize(("kind", "accept"), list(product(TABLES, TABLES)))
def test_broken_rows_may_be_skipped_and_come_back_with_their_errors(
    service: httpx.Client, kind: str, accept: str
) -> None:
    table = [PHONES[0], {**EXAMPLE, "ram": -1}, PHONES[1], {**EXAMPLE, "blue": 7, "ram": 0}]
    answers = answered(service, kind, table, accept, on_error="skip")
    sound = answered(service, kind, PHONES[:2], accept)
    for place, expected in ((0, sound[0]), (2, sound[1])):
        assert not answers[place].pop("error", None)
        assert probabilities(accept, answers[place]) == pytest.approx(
            probabilities(accept, expected), abs=1e-6
        )
    for place, names in ((1, ["ram"]), (3, ["blue", "ram"])):
        told = answers[place]["error"]
        text = told if isinstance(told, str) else " ".join(item["msg"] for item in told)
        assert all(name in text for name in names)
        assert not answers[place].get("price_range")


@pytest.mark.parametrize("accept", TABLES)
def test_a_row_of_many_errors_is_told_the_first_and_how_many_more(service: httpx.Client, accept: str) -> None:
    content = b'{"ram": 1}\n' * 100
    answers = rows(accept, post(service, NDJSON, content, accept, on_error="skip").content)
    assert len(answers) == 100
    for answer in answers:
        assert len(str(answer["error"])) < 1_000
        assert "and 16 more" in str(answer["error"])


@pytest.mark.parametrize("kind", TABLES)
def test_a_table_of_broken_rows_alone_may_be_skipped(service: httpx.Client, kind: str) -> None:
    answers = answered(service, kind, [{**EXAMPLE, "ram": -1}] * 3, CSV, on_error="skip")
    assert [bool(answer["error"]) for answer in answers] == [True] * 3


@pytest.mark.parametrize("accept", COLUMNAR)
def test_a_kept_field_that_begins_with_nothing_and_goes_on_with_numbers_is_text(
    service: httpx.Client, accept: str
) -> None:
    table = [{**PHONES[0], "note": None}] * 1_000 + [{**PHONES[0], "note": 1}] * 1_000
    answers = answered(service, NDJSON, table, accept, keep="all")
    assert [answer["note"] or None for answer in answers] == [None] * 1_000 + ["1"] * 1_000


@pytest.mark.parametrize("accept", COLUMNAR)
def test_a_kept_field_that_the_first_rows_do_not_have_is_refused_and_named(
    service: httpx.Client, accept: str
) -> None:
    table = [PHONES[0]] * 1_000 + [{**PHONES[0], "note": 1}]
    answer = post(service, NDJSON, body(NDJSON, table), accept, keep="all")
    assert answer.status_code == 422
    (detail,) = answer.json()["detail"]
    assert detail["loc"] == ["body", "note"]
    assert "note" in detail["msg"]


@pytest.mark.parametrize(("kind", "accept"), list(product((NDJSON, *COLUMNAR), (NDJSON, *COLUMNAR))))
def test_all_columns_come_back_if_asked_for_and_none_otherwise(
    service: httpx.Client, kind: str, accept: str
) -> None:
    table = [{"note": 'a "b", c\nd é', **phone, "price_range": 3} for phone in PHONES[:3]]
    kept = answered(service, kind, table, accept, keep="all")
    for answer, given in zip(kept, table, strict=True):
        assert answer["note"] == given["note"]
        assert float(answer["ram"]) == given["ram"]
        assert int(answer["price_range_given"]) == 3
    assert list(kept[0])[: len(table[0])] == ["note", *PHONES[0], "price_range_given"]
    assert not {"note", "ram", "price_range_given"} & set(answered(service, kind, table, accept)[0])


@pytest.mark.parametrize("accept", [JSON, CSV])
def test_a_table_scored_before_keeps_both_answers(service: httpx.Client, accept: str) -> None:
    table = [{**phone, "price_range_given": 1, "price_range": 2, "label": "mine"} for phone in PHONES[:2]]
    (kept, _) = answered(service, CSV, table, accept, keep="all")
    assert [int(kept["price_range_given"]), int(kept["price_range_given_given"])] == [1, 2]
    assert kept["label_given"] == "mine"
    assert kept["label"] in {"low", "medium", "high", "very high"}


@pytest.mark.parametrize(
    ("accept", "given"),
    [
        ("*/*", JSON),
        ("", JSON),
        ("text/*", CSV),
        ("text/html, text/csv;q=0.9, application/json;q=0.5", CSV),
        ("application/json;q=0.1, */*;q=0.2", CSV),
        ("APPLICATION/X-NDJSON", NDJSON),
        (f"{CSV};q=0, */*;q=0.1", JSON),
        (f"{CSV};q=nonsense, {PARQUET};q=0.3", PARQUET),
    ],
)
def test_accept_says_what_is_given(service: httpx.Client, accept: str, given: str) -> None:
    response = post(service, CSV, body(CSV, PHONES), accept)
    assert response.headers["content-type"].partition(";")[0] == given


def test_what_is_not_to_be_had_is_told_with_what_is(service: httpx.Client) -> None:
    response = post(service, CSV, body(CSV, PHONES), "application/pdf")
    assert response.status_code == 406
    assert all(kind in response.json()["detail"][0]["msg"] for kind in TABLES)


def test_an_unknown_choice_is_refused_with_those_there_are(service: httpx.Client) -> None:
    response = post(service, CSV, body(CSV, PHONES), on_error="ignore")
    assert response.status_code == 422
    assert "'fail' or 'skip'" in response.text
