"""MLServer's codecs, which make requests of data frames and arrays: https://github.com/SeldonIO/MLServer."""

from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import pandas as pd
import pytest
from mlserver.codecs import NumpyCodec, NumpyRequestCodec, PandasCodec, StringCodec
from mlserver.types import InferenceRequest, InferenceResponse, RequestInput, RequestOutput

from tests.clients.given import Given, assert_classes_are


@pytest.fixture
def client(given: Given) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=given.url) as client:
        yield client


@pytest.fixture
def frame(given: Given) -> pd.DataFrame:
    return pd.DataFrame(given.phones)


def infer(client: httpx.Client, given: Given, request: Any) -> Any:
    """Post a request as MLServer's types write it, and read the answer by them."""
    body = request.model_dump_json()
    headers = {"Content-Type": "application/json"}
    answered = client.post(f"/v2/models/{given.model}/infer", content=body, headers=headers)
    return InferenceResponse.model_validate_json(answered.raise_for_status().content)


def assert_response_is(given: Given, response: Any) -> None:
    outputs = {output.name: output for output in response.outputs}
    classes = NumpyCodec.decode_output(outputs["predict"])
    probabilities = NumpyCodec.decode_output(outputs["predict_proba"])
    assert (classes.dtype, probabilities.dtype) == (np.int64, np.float32)
    assert_classes_are(given.answers, classes.ravel().tolist(), probabilities.tolist())
    assert StringCodec.decode_output(outputs["label"]) == [answer["label"] for answer in given.answers]


def as_whole_numbers_where_there_are(frame: pd.DataFrame) -> pd.DataFrame:
    """As a CSV file read by pandas: flags and sizes as int64."""
    return frame.astype({name: "int64" for name in frame if (frame[name] == frame[name].round()).all()})


@pytest.mark.parametrize("whole", [False, True], ids=["floats", "whole numbers"])
@pytest.mark.parametrize("use_bytes", [False, True])
def test_a_data_frame_gets_what_predict_answers(
    client: httpx.Client, given: Given, frame: pd.DataFrame, use_bytes: bool, whole: bool
) -> None:
    frame = as_whole_numbers_where_there_are(frame) if whole else frame
    request = PandasCodec.encode_request(frame, use_bytes=use_bytes)
    assert_response_is(given, infer(client, given, request))


def test_a_data_frame_is_read_by_names(client: httpx.Client, given: Given, frame: pd.DataFrame) -> None:
    """Its columns stand in another order, and there is one more."""
    frame = frame[sorted(given.features, reverse=True)].assign(price=1.0)
    assert_response_is(given, infer(client, given, PandasCodec.encode_request(frame, use_bytes=False)))


def test_a_data_frame_of_flags_gets_what_predict_answers(
    client: httpx.Client, given: Given, frame: pd.DataFrame
) -> None:
    flags = ["blue", "dual_sim", "four_g", "three_g", "touch_screen", "wifi"]
    request = PandasCodec.encode_request(frame.astype(dict.fromkeys(flags, bool)), use_bytes=False)
    assert {tensor.datatype for tensor in request.inputs} == {"BOOL", "FP64"}
    assert_response_is(given, infer(client, given, request))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_an_array_gets_what_predict_answers(client: httpx.Client, given: Given, dtype: type) -> None:
    request = NumpyRequestCodec.encode_request(np.array(given.rows, dtype))
    assert_response_is(given, infer(client, given, request))


def test_a_request_by_hand_gets_what_it_asks_for(client: httpx.Client, given: Given) -> None:
    request = InferenceRequest(
        id="of-mine",
        inputs=[
            RequestInput(
                name="input-0",
                shape=[50, 20],
                datatype="FP64",
                data=[value for row in given.rows for value in row],
            )
        ],
        outputs=[RequestOutput(name="label"), RequestOutput(name="predict")],
    )
    response = infer(client, given, request)
    assert (response.id, response.model_name, response.model_version) == (
        "of-mine",
        given.model,
        given.version,
    )
    assert [output.name for output in response.outputs] == ["label", "predict"]


def test_an_answer_becomes_an_array_or_a_data_frame(
    client: httpx.Client, given: Given, frame: pd.DataFrame
) -> None:
    """By the codecs for whole answers: they take one output, or outputs of one column."""
    request = PandasCodec.encode_request(frame, use_bytes=False)
    request.outputs = [RequestOutput(name="predict")]
    classes = NumpyRequestCodec.decode_response(infer(client, given, request))
    assert classes.ravel().tolist() == [answer["price_range"] for answer in given.answers]

    request.outputs = [RequestOutput(name="predict"), RequestOutput(name="label")]
    decoded = PandasCodec.decode_response(infer(client, given, request))
    assert decoded["predict"].tolist() == [answer["price_range"] for answer in given.answers]
    assert decoded["label"].tolist() == [answer["label"] for answer in given.answers]


def test_what_is_missing_in_a_data_frame_is_told(
    client: httpx.Client, given: Given, frame: pd.DataFrame
) -> None:
    """The codec writes a gap as null, and a column that is not there not at all."""
    frame.loc[3, "ram"] = np.nan
    gap = PandasCodec.encode_request(frame, use_bytes=False)
    no_column = PandasCodec.encode_request(frame.drop(columns="ram"), use_bytes=False)
    for request in (gap, no_column):
        answered = client.post(f"/v2/models/{given.model}/infer", content=request.model_dump_json())
        assert answered.status_code == 400
        assert "ram" in answered.json()["error"]
