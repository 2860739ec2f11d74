"""KServe's own client, by both of its protocols: https://github.com/kserve/kserve."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import httpx
import numpy as np
import pytest
from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig
from kserve.protocol.infer_type import RequestedOutput

from tests.clients.given import Answer, Given, assert_answers_are, assert_classes_are

DATATYPES = {"FP32": np.float32, "FP64": np.float64, "INT64": np.int64}


def ask(protocol: str, call: Callable[[Any], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        async with InferenceRESTClient(RESTConfig(protocol=protocol)) as client:
            return await call(client)

    return asyncio.run(run())


@contextmanager
def refused(words: str, status: int) -> Iterator[None]:
    """The client puts the service's own words before the status, where the Content-Type suits it."""
    with pytest.raises(httpx.HTTPStatusError, match=f"(?s)^[^{{]*{words}.*, '{status} ") as refusal:
        yield
    assert refusal.value.response.status_code == status


def request(
    given: Given,
    rows: Sequence[Sequence[float]],
    datatype: str = "FP32",
    *,
    binary: bool = True,
    **wishes: Any,
) -> Any:
    values = np.array(rows, DATATYPES[datatype])
    tensor = InferInput("phones", list(values.shape), datatype)
    tensor.set_data_from_numpy(values, binary_data=binary)
    return InferRequest(given.model, [tensor], **wishes)


def infer(given: Given, *arguments: Any, **wishes: Any) -> Any:
    asked = request(given, *arguments, **wishes)
    return ask("v2", lambda client: client.infer(given.url, asked, model_name=given.model))


def assert_response_is(expected: Sequence[Answer], response: Any) -> None:
    outputs = {output.name: output for output in response.outputs}
    classes, probabilities = outputs["predict"].as_numpy(), outputs["predict_proba"].as_numpy()
    assert (classes.dtype, probabilities.dtype) == (np.int64, np.float32)
    assert_classes_are(expected, classes.tolist(), probabilities.tolist())
    assert np.ravel(outputs["label"].as_numpy()).astype(str).tolist() == [each["label"] for each in expected]


# V2


def test_v2_the_server_and_the_model_are_ready(given: Given) -> None:
    assert ask("v2", lambda client: client.is_server_live(given.url)) is True
    assert ask("v2", lambda client: client.is_server_ready(given.url)) is True
    assert ask("v2", lambda client: client.is_model_ready(given.url, given.model)) is True
    assert ask("v2", lambda client: client.is_model_ready(given.url, "another")) is False


@pytest.mark.parametrize("binary_answer", [True, False, None], ids=["binary out", "json out", "no wish"])
@pytest.mark.parametrize("binary", [True, False], ids=["binary", "json"])
@pytest.mark.parametrize("datatype", DATATYPES)
def test_v2_a_table_gets_what_predict_answers(
    given: Given, datatype: str, binary: bool, binary_answer: bool | None
) -> None:
    numbers = given.whole if datatype == "INT64" else range(len(given.phones))
    rows = [given.rows[number] for number in numbers]
    parameters = None if binary_answer is None else {"binary_data_output": binary_answer}
    response = infer(given, rows, datatype, binary=binary, parameters=parameters)
    assert_response_is(given.at(numbers), response)


def test_v2_each_phone_alone_gets_what_predict_answers(given: Given) -> None:
    def infer_all(client: Any) -> Awaitable[list[Any]]:
        asked = [request(given, [row]) for row in given.rows]
        return asyncio.gather(*(client.infer(given.url, each, model_name=given.model) for each in asked))

    for answer, response in zip(given.answers, ask("v2", infer_all), strict=True):
        assert_response_is([answer], response)


def test_v2_an_object_of_ones_own_gets_what_predict_answers(given: Given) -> None:
    """A dict instead of the client's classes."""
    tensor = {"name": "x", "shape": [50, 20], "datatype": "FP64", "data": given.rows}
    response = ask("v2", lambda client: client.infer(given.url, {"inputs": [tensor]}, model_name=given.model))
    assert_response_is(given.answers, response)


def test_v2_an_identifier_and_the_model_come_back(given: Given) -> None:
    response = infer(given, given.rows, request_id="of-mine")
    assert (response.id, response.model_name) == ("of-mine", given.model)
    assert isinstance(infer(given, given.rows).id, str)


def test_v2_outputs_come_in_the_order_of_the_wishes(given: Given) -> None:
    wishes = [RequestedOutput("label"), RequestedOutput("predict", {"binary_data": True})]
    response = infer(given, given.rows, request_outputs=wishes)
    assert [output.name for output in response.outputs] == ["label", "predict"]
    assert response.outputs[1].as_numpy().tolist() == [each["price_range"] for each in given.answers]


def test_v2_what_is_no_table_of_phones_is_refused_in_words(given: Given) -> None:
    with refused(r"inputs\[0\].* \[50, 19\].* \[n, 20\]", 400):
        infer(given, [row[:19] for row in given.rows])
    implausible = np.array(given.rows)
    implausible[3, given.features.index("ram")] = 70_000
    for binary in (True, False):
        with refused("Row 3 .*ram.*whole number from 1 to 65536", 400):
            infer(given, implausible.tolist(), binary=binary)


def test_v2_an_unknown_model_is_told_which_there_is(given: Given) -> None:
    asked = request(given, given.rows)
    with refused(f"{given.model}, version {given.version}", 404):
        ask("v2", lambda client: client.infer(given.url, asked, model_name="another"))


def test_v2_a_key_is_asked_for_and_taken(given: Given) -> None:
    asked = request(given, given.rows)
    assert ask("v2", lambda client: client.is_server_ready(given.locked_url)) is True
    with refused("(?i:key)", 401):
        ask("v2", lambda client: client.infer(given.locked_url, asked, model_name=given.model))
    headers = {"X-API-Key": given.key}
    response = ask(
        "v2",
        lambda client: client.infer(given.locked_url, asked, model_name=given.model, headers=headers),
    )
    assert_response_is(given.answers, response)


# V1


def predict(given: Given, instances: Any, model: str | None = None) -> Any:
    asked = {"instances": instances}
    return ask("v1", lambda client: client.infer(given.url, asked, model_name=model or given.model))


def explain(given: Given, instances: Any) -> Any:
    asked = {"instances": instances}
    return ask("v1", lambda client: client.explain(given.url, given.model, asked))


def test_v1_the_server_and_the_model_are_ready(given: Given) -> None:
    assert ask("v1", lambda client: client.is_server_live(given.url)) is True
    assert ask("v1", lambda client: client.is_model_ready(given.url, given.model)) is True


def test_v1_another_model_is_told_which_there_is(given: Given) -> None:
    with refused(given.model, 404):
        ask("v1", lambda client: client.is_model_ready(given.url, "another"))
    with refused(given.model, 404):
        predict(given, given.rows, model="another")


def test_v1_rows_get_what_predict_answers_by_name_and_in_order(given: Given) -> None:
    assert_answers_are(given.answers, predict(given, given.phones)["predictions"])
    assert_answers_are(given.answers, predict(given, given.rows)["predictions"])


@pytest.mark.parametrize("named", [True, False], ids=["by name", "in order"])
def test_v1_each_phone_alone_gets_what_predict_answers(given: Given, named: bool) -> None:
    def predict_all(client: Any) -> Awaitable[list[Any]]:
        asked = [{"instances": [each]} for each in (given.phones if named else given.rows)]
        return asyncio.gather(*(client.infer(given.url, each, model_name=given.model) for each in asked))

    for answer, answered in zip(given.answers, ask("v1", predict_all), strict=True):
        assert_answers_are([answer], answered["predictions"])


def test_v1_inputs_may_stand_for_instances(given: Given) -> None:
    answered = ask(
        "v1",
        lambda client: client.infer(given.url, {"inputs": given.rows}, model_name=given.model),
    )
    assert_answers_are(given.answers, answered["predictions"])


@pytest.mark.parametrize("named", [True, False], ids=["by name", "in order"])
def test_v1_a_phone_is_explained_as_explain_does(given: Given, named: bool) -> None:
    phone = given.phones[0] if named else given.rows[0]
    (explanation,) = explain(given, [phone])["explanations"]
    assert explanation == given.explained


def test_v1_what_is_no_phone_is_refused_in_words(given: Given) -> None:
    phones: list[dict[str, Any]] = [dict(phone) for phone in given.phones]
    phones[3]["ram"] = 70_000
    words = "ram.*less than or equal to 65536.*whole number from 1 to 65536"
    with pytest.raises(httpx.HTTPStatusError, match=words) as refusal:
        predict(given, phones)
    assert refusal.value.response.status_code in (400, 422)
    assert "3" in refusal.value.response.json()["error"].partition("ram")[0]
    with pytest.raises(httpx.HTTPStatusError, match=words):
        explain(given, [phones[3]])
    del phones[3]["ram"]
    with pytest.raises(httpx.HTTPStatusError, match="ram"):
        predict(given, phones)
    with pytest.raises(httpx.HTTPStatusError, match="20"):
        predict(given, [row[:19] for row in given.rows])
    with pytest.raises(httpx.HTTPStatusError, match="instances"):
        ask("v1", lambda client: client.infer(given.url, {"rows": given.rows}, model_name=given.model))


def test_v1_a_key_is_asked_for_and_taken(given: Given) -> None:
    asked = {"instances": given.rows}
    assert ask("v1", lambda client: client.is_server_live(given.locked_url)) is True
    with refused("(?i:key)", 401):
        ask("v1", lambda client: client.infer(given.locked_url, asked, model_name=given.model))
    headers = {"Authorization": f"Bearer {given.key}"}
    answered = ask(
        "v1",
        lambda client: client.infer(given.locked_url, asked, model_name=given.model, headers=headers),
    )
    assert_answers_are(given.answers, answered["predictions"])
