"""What SageMaker's SDK makes of data, and of answers: https://github.com/aws/sagemaker-python-sdk.

Its calls go through AWS; here its bodies are posted as SageMaker hands them to a container.
"""

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pandas as pd
import pytest
from sagemaker.core.deserializers import CSVDeserializer, JSONDeserializer, JSONLinesDeserializer
from sagemaker.core.serializers import CSVSerializer, JSONLinesSerializer, JSONSerializer, NumpySerializer

from tests.clients.given import Given, assert_answers_are, assert_classes_are

FORMS: dict[str, tuple[type, Callable[[Given], Any]]] = {
    "CSV of rows": (CSVSerializer, lambda given: given.rows),
    "CSV of an array": (CSVSerializer, lambda given: np.array(given.rows)),
    "CSV of a data frame": (CSVSerializer, lambda given: pd.DataFrame(given.phones)),
    "JSON of instances": (JSONSerializer, lambda given: {"instances": given.phones}),
    "JSON of rows": (JSONSerializer, lambda given: given.rows),
    "JSON of an array": (JSONSerializer, lambda given: np.array(given.rows)),
    "lines of objects": (JSONLinesSerializer, lambda given: given.phones),
    "lines of rows": (JSONLinesSerializer, lambda given: given.rows),
    "npy of float64": (NumpySerializer, lambda given: np.array(given.rows)),
    "npy of float32": (NumpySerializer, lambda given: np.array(given.rows, np.float32)),
    "npy by columns": (NumpySerializer, lambda given: np.asfortranarray(np.array(given.rows))),
}
"""How a table of phones is sent: a serializer, and what is given to it."""


@pytest.fixture
def client(given: Given) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=given.url) as client:
        yield client


def invoke(client: httpx.Client, serializer: Any, data: Any, deserializer: Any) -> Any:
    """Post to /invocations with the types that both declare, and read the answer."""
    answered = post(client, serializer.CONTENT_TYPE, serializer.serialize(data), *deserializer.ACCEPT)
    kind = answered.raise_for_status().headers["content-type"]
    assert kind.partition(";")[0] in deserializer.ACCEPT
    return deserializer.deserialize(io.BytesIO(answered.content), kind)


def post(client: httpx.Client, kind: str, body: str | bytes, *accept: str, **headers: str) -> httpx.Response:
    types = {"Content-Type": kind, "Accept": ", ".join(accept) or "application/json"}
    return client.post("/invocations", content=body, headers={**types, **headers})


def test_the_container_is_healthy_in_an_empty_answer(client: httpx.Client) -> None:
    answered = client.get("/ping")
    assert (answered.status_code, answered.content) == (200, b"")


def test_batch_transform_is_told_how_to_ask(client: httpx.Client) -> None:
    parameters = client.get("/execution-parameters").raise_for_status().json()
    assert parameters.keys() == {"MaxConcurrentTransforms", "BatchStrategy", "MaxPayloadInMB"}
    assert parameters["BatchStrategy"] == "MULTI_RECORD"
    assert parameters["MaxConcurrentTransforms"] >= 1
    assert 1 <= parameters["MaxPayloadInMB"] <= 100


@pytest.mark.parametrize("form", FORMS)
def test_phones_get_what_predict_answers(client: httpx.Client, given: Given, form: str) -> None:
    serializer, make = FORMS[form]
    answered = invoke(client, serializer(), make(given), JSONDeserializer())
    if form == "npy of float32":  # in single precision warnings tell of other values
        assert_classes_are(
            given.answers,
            [each["price_range"] for each in answered["predictions"]],
            [each["probabilities"] for each in answered["predictions"]],
        )
    else:
        assert_answers_are(given.answers, answered["predictions"])


@pytest.mark.parametrize("form", FORMS)
def test_answers_come_as_csv_without_a_header(client: httpx.Client, given: Given, form: str) -> None:
    serializer, make = FORMS[form]
    lines = invoke(client, serializer(), make(given), CSVDeserializer())
    assert_classes_are(
        given.answers,
        [line[0] for line in lines],
        [[float(value) for value in line[1:]] for line in lines],
    )


@pytest.mark.parametrize("form", FORMS)
def test_answers_come_as_lines_of_json(client: httpx.Client, given: Given, form: str) -> None:
    serializer, make = FORMS[form]
    lines = invoke(client, serializer(), make(given), JSONLinesDeserializer())
    assert_classes_are(
        given.answers,
        [line["price_range"] for line in lines],
        [line["probabilities"] for line in lines],
    )
    if form != "npy of float32":
        assert_answers_are(given.answers, lines)


def test_one_phone_gets_what_predict_answers(client: httpx.Client, given: Given) -> None:
    """A row for CSV, as the serializer joins it, and an array of one dimension."""
    for row, answer in zip(given.rows, given.answers, strict=True):
        for serializer in (CSVSerializer(), NumpySerializer()):
            answered = invoke(client, serializer, np.array(row), JSONDeserializer())
            assert_answers_are([answer], answered["predictions"])


@pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
def test_many_records_of_a_batch_get_as_many_lines(client: httpx.Client, given: Given, ending: str) -> None:
    """A file that batch transform has cut between lines, and whose answers it joins again."""
    serializer, found = CSVSerializer(), []
    for start in range(0, len(given.rows), 7):
        body = serializer.serialize(given.rows[start : start + 7]).replace("\n", ending or "\n") + ending
        answered = post(
            client,
            "text/csv",
            body,
            "text/csv",
            **{"X-Amzn-SageMaker-Custom-Attributes": "shop=corner", "X-Amzn-SageMaker-Target-Model": "m"},
        )
        found += answered.raise_for_status().text.splitlines()
    lines = [line.split(",") for line in found]
    assert_classes_are(
        given.answers,
        [line[0] for line in lines],
        [[float(value) for value in line[1:]] for line in lines],
    )


def test_csv_with_a_header_is_read_by_names(client: httpx.Client, given: Given) -> None:
    frame = pd.DataFrame(given.phones)
    body = frame[sorted(given.features, reverse=True)].to_csv(index=False)
    answered = post(client, "text/csv; charset=utf-8", body).raise_for_status()
    assert_answers_are(given.answers, answered.json()["predictions"])


class Unpickled:
    """Leaves a mark where it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self._mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self._mark,)


def test_pickled_objects_are_refused_and_not_unpickled(client: httpx.Client, tmp_path: Path) -> None:
    """The serializer pickles an array of objects without a word."""
    mark = tmp_path / "unpickled"
    body = NumpySerializer().serialize(np.array([[Unpickled(mark)] * 20], dtype=object))
    answered = post(client, "application/x-npy", body)
    assert answered.status_code == 400
    assert "objects are not unpickled" in answered.json()["message"]
    assert not mark.exists()
    np.load(io.BytesIO(body), allow_pickle=True)
    assert mark.exists(), "the body leaves a mark where it is unpickled"


@pytest.mark.parametrize(
    ("serializer", "where", "counted"),
    [
        (CSVSerializer(), "Line 4, column ram", "19 numbers; send 20"),
        (JSONSerializer(), "[3].ram", "19 numbers; send 20"),
        (JSONLinesSerializer(), "Line 4: phone.ram", "19 numbers; send 20"),
        (NumpySerializer(), "Row 3 (counted from 0), column ram", "(n, 20)"),
    ],
    ids=["CSV", "JSON", "lines", "npy"],
)
def test_what_is_no_table_of_phones_is_refused_in_words(
    client: httpx.Client, given: Given, serializer: Any, where: str, counted: str
) -> None:
    rows = [list(row) for row in given.rows]
    rows[3][given.features.index("ram")] = 70_000
    answered = post(client, serializer.CONTENT_TYPE, serializer.serialize(rows))
    assert answered.status_code == 400
    assert where in answered.json()["message"]
    assert "ram must be a whole number from 1 to 65536" in answered.json()["message"]

    few = serializer.serialize([row[:19] for row in given.rows])
    answered = post(client, serializer.CONTENT_TYPE, few)
    assert answered.status_code == 400
    assert counted in answered.json()["message"]


def test_a_type_that_is_not_taken_or_given_is_told(client: httpx.Client, given: Given) -> None:
    answered = post(client, "text/libsvm", "0 1:1")
    assert answered.status_code == 415
    assert answered.headers["content-type"].startswith("text/plain")
    assert "text/csv" in answered.text
    answered = post(client, "text/csv", CSVSerializer().serialize(given.rows), "image/png")
    assert answered.status_code == 406
    assert "text/csv" in answered.json()["message"]
