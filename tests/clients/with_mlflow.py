"""MLflow's client of scoring servers: https://github.com/mlflow/mlflow."""

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from mlflow.pyfunc.scoring_server.client import ScoringServerClient

from tests.clients.given import Given, assert_answers_are, assert_classes_are

CLIENT: Any = ScoringServerClient


@pytest.fixture
def client(given: Given) -> Any:
    return CLIENT(*given.address.split(":"))


@pytest.fixture
def frame(given: Given) -> pd.DataFrame:
    return pd.DataFrame(given.phones)


def test_the_server_is_ready_and_has_a_version(client: Any) -> None:
    client.wait_server_ready(timeout=5)
    assert client.get_version()


def test_a_data_frame_gets_what_predict_answers(client: Any, given: Given, frame: pd.DataFrame) -> None:
    assert_answers_are(given.answers, client.invoke(frame)["predictions"])


def test_a_data_frame_is_read_by_names_whatever_its_index(
    client: Any, given: Given, frame: pd.DataFrame
) -> None:
    frame = frame[sorted(given.features, reverse=True)].assign(shop="corner")
    frame.index = pd.Index([f"phone {number}" for number in range(len(frame))])
    assert_answers_are(given.answers, client.invoke(frame)["predictions"])


def test_a_data_frame_of_whole_numbers_and_flags_gets_what_predict_answers(
    client: Any, given: Given, frame: pd.DataFrame
) -> None:
    whole = {name: "int64" for name in frame if (frame[name] == frame[name].round()).all()}
    assert_answers_are(given.answers, client.invoke(frame.astype(whole))["predictions"])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_an_array_gets_what_predict_answers(client: Any, given: Given, dtype: type) -> None:
    predictions = client.invoke(np.array(given.rows, dtype))["predictions"]
    assert_classes_are(
        given.answers,
        [each["price_range"] for each in predictions],
        [each["probabilities"] for each in predictions],
    )


def test_a_list_of_rows_or_of_objects_gets_what_predict_answers(client: Any, given: Given) -> None:
    assert_answers_are(given.answers, client.invoke(given.rows)["predictions"])
    assert_answers_are(given.answers, client.invoke(given.phones)["predictions"])


def test_each_phone_alone_gets_what_predict_answers(client: Any, given: Given, frame: pd.DataFrame) -> None:
    for number, answer in enumerate(given.answers):
        assert_answers_are([answer], client.invoke(frame.iloc[[number]])["predictions"])


def test_a_body_of_ones_own_gets_what_predict_answers(client: Any, given: Given, frame: pd.DataFrame) -> None:
    """The client sends texts as they are; a dict of columns it cannot: it takes its keys for pairs."""
    for form in (
        {"inputs": frame.to_dict("list")},
        {"dataframe_records": given.phones},
        {"dataframe_split": {"columns": given.features, "data": given.rows}},
        {"instances": given.phones},
    ):
        assert_answers_are(given.answers, client.invoke(json.dumps(form))["predictions"])


def test_parameters_beside_the_data_change_nothing(client: Any, given: Given, frame: pd.DataFrame) -> None:
    for params in ({}, {"campaign": "spring"}):
        assert_answers_are(given.answers, client.invoke(frame, params=params)["predictions"])


def test_predictions_become_a_data_frame(client: Any, given: Given, frame: pd.DataFrame) -> None:
    response = client.invoke(frame)
    predictions = response.get_predictions("dataframe")
    assert_classes_are(given.answers, predictions["price_range"], predictions["probabilities"])
    assert predictions["label"].tolist() == [answer["label"] for answer in given.answers]
    assert len(response.get_predictions("ndarray")) == len(given.phones)


def with_value(frame: pd.DataFrame, value: Any) -> pd.DataFrame:
    """The frame with another value of the fourth phone."""
    changed = frame.astype({"ram": object})
    changed.loc[3, "ram"] = value
    return changed


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda frame: with_value(frame, 70_000), "Row 3 (counted from 0), column ram: "),
        (lambda frame: with_value(frame, 70_000), "ram must be a whole number from 1 to 65536"),
        (lambda frame: with_value(frame, None), "ram must be a whole number from 1 to 65536"),
        (lambda frame: with_value(frame, float("nan")), "NaN"),
        (lambda frame: with_value(frame, "much"), "ram must be a whole number from 1 to 65536"),
        (lambda frame: frame.drop(columns="ram"), "ram"),
        (lambda frame: frame.to_numpy()[:, :19], "19 numbers; send 20"),
        (lambda _: [], "send at least one"),
        (lambda _: json.dumps({"rows": []}), "dataframe_split"),
        (lambda _: json.dumps({"inputs": [], "instances": []}), "with one of dataframe_split"),
        (lambda _: "{", "JSON"),
    ],
    ids=[
        "implausible, where",
        "implausible, what",
        "nothing",
        "not a number",
        "a word",
        "a column too few",
        "an array of 19 columns",
        "no rows",
        "an unknown form",
        "two forms",
        "no JSON",
    ],
)
def test_what_is_no_table_of_phones_is_refused_in_words(
    client: Any, frame: pd.DataFrame, make: Any, words: str
) -> None:
    """The client tells the status and the whole body."""
    with pytest.raises(Exception, match="Invocation failed") as refusal:
        client.invoke(make(frame))
    status, _, response = str(refusal.value).partition("error code ")[2].partition(", response: ")
    assert status == "400"
    body = json.loads(response.removesuffix(")"))
    assert body["error_code"] in ("BAD_REQUEST", "INVALID_PARAMETER_VALUE")
    assert words in body["message"]


def test_a_service_with_keys_is_ready_but_refuses_who_has_none(given: Given, frame: pd.DataFrame) -> None:
    """The client cannot send one: a proxy before the service does."""
    client = CLIENT(*given.locked_url.removeprefix("http://").split(":"))
    client.wait_server_ready(timeout=5)
    with pytest.raises(Exception, match=r"error code 401.*key is needed"):
        client.invoke(frame)
