"""Triton's client for HTTP, in both of its kinds: https://github.com/triton-inference-server/client."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from ml_dtypes import bfloat16
from tritonclient import http
from tritonclient.http import aio
from tritonclient.utils import InferenceServerException

from tests.clients.given import Answer, Given, assert_classes_are

DATATYPES = {"FP32": np.float32, "FP64": np.float64, "INT64": np.int64}
ENCODINGS = ["gzip", "deflate"]


@pytest.fixture
def client(given: Given) -> Iterator[Any]:
    with http.InferenceServerClient(given.address) as client:
        yield client


@pytest.fixture
def inputs(given: Given) -> list[Any]:
    return [table(given.rows)]


def ask_with_asyncio(given: Given, ask: Callable[[Any], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        async with aio.InferenceServerClient(given.address) as client:
            return await ask(client)

    return asyncio.run(run())


def tensor(name: str, values: np.ndarray[Any, Any], datatype: str, *, binary: bool = True) -> Any:
    tensor = http.InferInput(name, list(values.shape), datatype)
    return tensor.set_data_from_numpy(values.astype(DATATYPES[datatype]), binary_data=binary)


def table(rows: Sequence[Sequence[float]], datatype: str = "FP32", *, binary: bool = True) -> Any:
    return tensor("phones", np.array(rows), datatype, binary=binary)


def assert_result_is(expected: Sequence[Answer], result: Any) -> None:
    assert_classes_are(
        expected, result.as_numpy("predict").tolist(), result.as_numpy("predict_proba").tolist()
    )
    assert result.as_numpy("predict").dtype == np.int64
    assert result.as_numpy("predict_proba").dtype == np.float32


@contextmanager
def refused(words: str, status: str = "400") -> Iterator[None]:
    """The message is the service's own: where the client cannot decode an answer, it gives details."""
    with pytest.raises(InferenceServerException, match=words) as refusal:
        yield
    assert (refusal.value.status(), refusal.value.debug_details()) == (status, None)


def as_text(tensor: np.ndarray[Any, Any]) -> list[str]:
    """Texts are bytes where they came as bytes, else str."""
    return [each.decode() if isinstance(each, bytes) else each for each in tensor.reshape(-1).tolist()]


# what there is


def test_the_server_and_the_model_are_live_and_ready(client: Any, given: Given) -> None:
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready(given.model)
    assert client.is_model_ready(given.model, given.version)


def test_another_model_or_version_is_not_ready(client: Any, given: Given) -> None:
    assert not client.is_model_ready("another")
    assert not client.is_model_ready(given.model, "another")


def test_server_metadata_names_the_extensions(client: Any) -> None:
    metadata = client.get_server_metadata()
    assert metadata["name"]
    assert metadata["version"]
    assert {"binary_tensor_data", "classification", "statistics"} <= set(metadata["extensions"])


def test_model_metadata_describes_what_an_inference_takes_and_gives(
    client: Any, given: Given, inputs: list[Any]
) -> None:
    metadata = client.get_model_metadata(given.model)
    assert metadata == client.get_model_metadata(given.model, given.version)
    assert metadata["name"] == given.model
    assert metadata["versions"] == [given.version]
    assert [(each["datatype"], each["shape"]) for each in metadata["inputs"]] == [("FP32", [-1, 20])]
    result = client.infer(given.model, inputs)
    for described in metadata["outputs"]:
        output = result.get_output(described["name"])
        assert output["datatype"] == described["datatype"]
        assert output["shape"] == [len(given.phones), *described["shape"][1:]]


def test_model_config_describes_the_tensors_as_metadata_does(client: Any, given: Given) -> None:
    metadata = client.get_model_metadata(given.model)
    config = client.get_model_config(given.model)
    assert config == client.get_model_config(given.model, given.version)
    assert config["name"] == given.model
    assert config["max_batch_size"] >= 1
    types = {"BYTES": "TYPE_STRING", "FP32": "TYPE_FP32", "INT64": "TYPE_INT64"}
    for told, configured in (("inputs", "input"), ("outputs", "output")):
        expected = [(each["name"], types[each["datatype"]]) for each in metadata[told]]
        assert [(each["name"], each["data_type"]) for each in config[configured]] == expected


def test_statistics_count_inferences_and_refusals(client: Any, given: Given, inputs: list[Any]) -> None:
    def count() -> tuple[int, int, int, int]:
        (stats,) = client.get_inference_statistics(given.model)["model_stats"]
        assert (stats["name"], stats["version"]) == (given.model, given.version)
        kinds = stats["inference_stats"]
        return (
            stats["inference_count"],
            stats["execution_count"],
            kinds["success"]["count"],
            kinds["fail"]["count"],
        )

    before = count()
    client.infer(given.model, inputs)
    with pytest.raises(InferenceServerException):
        client.infer(given.model, [table([[1.0] * 19])])
    phones, executions, successes, failures = before
    assert count() == (phones + len(given.phones), executions + 1, successes + 1, failures + 1)
    assert client.get_inference_statistics()["model_stats"][0]["inference_count"] == count()[0]


def test_the_repository_holds_the_one_model_which_is_ready(client: Any, given: Given) -> None:
    (model,) = client.get_model_repository_index()
    assert (model["name"], model["version"], model["state"]) == (given.model, given.version, "READY")


def test_the_model_may_be_asked_to_load_but_not_to_unload(client: Any, given: Given) -> None:
    client.load_model(given.model)
    with refused("The service has one model and keeps it"):
        client.unload_model(given.model)
    assert client.is_model_ready(given.model)


def test_a_configuration_to_load_the_model_with_is_refused(client: Any, given: Given) -> None:
    with refused("leave the parameters out"):
        client.load_model(given.model, config='{"max_batch_size": 1}')


# inferences


@pytest.mark.parametrize("binary", [True, False], ids=["binary", "json"])
@pytest.mark.parametrize("datatype", DATATYPES)
def test_a_table_gets_what_predict_answers(client: Any, given: Given, datatype: str, binary: bool) -> None:
    numbers = given.whole if datatype == "INT64" else range(len(given.phones))
    rows = [given.rows[number] for number in numbers]
    assert_result_is(given.at(numbers), client.infer(given.model, [table(rows, datatype, binary=binary)]))


@pytest.mark.parametrize("binary", [True, False], ids=["binary", "json"])
@pytest.mark.parametrize("width", [[], [1]], ids=["flat", "upright"])
def test_a_tensor_for_each_specification_gets_what_predict_answers(
    client: Any, given: Given, width: list[int], binary: bool
) -> None:
    """In another order than the model's, and flags as whole numbers beside measures."""
    columns = []
    for name in reversed(given.features):
        values = np.array([phone[name] for phone in given.phones]).reshape(-1, *width)
        datatype = "INT64" if (values == values.round()).all() else "FP64"
        columns.append(tensor(name, values, datatype, binary=binary))
    assert_result_is(given.answers, client.infer(given.model, columns))


def test_each_phone_alone_gets_what_predict_answers(client: Any, given: Given) -> None:
    for row, answer in zip(given.rows, given.answers, strict=True):
        assert_result_is([answer], client.infer(given.model, [table([row])]))
        assert_result_is([answer], client.infer(given.model, [table([row], "FP64", binary=False)]))


def test_by_its_version_the_model_answers_the_same(client: Any, given: Given, inputs: list[Any]) -> None:
    result = client.infer(given.model, inputs, model_version=given.version)
    assert_result_is(given.answers, result)
    assert result.get_response()["model_version"] == given.version


def test_without_wishes_there_are_all_outputs(client: Any, given: Given, inputs: list[Any]) -> None:
    result = client.infer(given.model, inputs)
    names = [output["name"] for output in result.get_response()["outputs"]]
    assert names == ["predict", "predict_proba", "label"]
    assert as_text(result.as_numpy("label")) == [answer["label"] for answer in given.answers]


@pytest.mark.parametrize(
    "binary",
    [(True, True, True), (False, False, False), (True, False, False), (False, False, True)],
    ids=["binary", "json", "the first binary", "the last binary"],
)
def test_outputs_come_in_the_order_of_the_wishes(
    client: Any, given: Given, inputs: list[Any], binary: tuple[bool, ...]
) -> None:
    names = ["label", "predict_proba", "predict"]
    wishes = [
        http.InferRequestedOutput(name, binary_data=each) for name, each in zip(names, binary, strict=True)
    ]
    result = client.infer(given.model, inputs, outputs=wishes)
    outputs = result.get_response()["outputs"]
    assert [output["name"] for output in outputs] == names
    assert tuple("data" not in output for output in outputs) == binary
    assert_result_is(given.answers, result)
    assert as_text(result.as_numpy("label")) == [answer["label"] for answer in given.answers]


@pytest.mark.parametrize("binary", [True, False], ids=["binary", "json"])
def test_the_likeliest_classes_come_with_their_names(
    client: Any, given: Given, inputs: list[Any], binary: bool
) -> None:
    wish = http.InferRequestedOutput("predict_proba", binary_data=binary, class_count=2)
    result = client.infer(given.model, inputs, outputs=[wish])
    output = result.get_output("predict_proba")
    assert (output["datatype"], output["shape"]) == ("BYTES", [len(given.phones), 2])
    texts = iter(as_text(result.as_numpy("predict_proba")))
    for answer in given.answers:
        best, second = (next(texts).split(":") for _ in range(2))
        assert best[1:] == [str(answer["price_range"]), answer["label"]]
        likeliest = sorted(answer["probabilities"], reverse=True)
        assert [float(best[0]), float(second[0])] == pytest.approx(likeliest[:2], abs=1e-6)


def test_an_identifier_comes_back(client: Any, given: Given, inputs: list[Any]) -> None:
    assert client.infer(given.model, inputs, request_id="of-mine").get_response()["id"] == "of-mine"


def test_inferences_that_are_waited_for_later_get_what_predict_answers(given: Given) -> None:
    with http.InferenceServerClient(given.address, concurrency=4) as client:
        waiting = [client.async_infer(given.model, [table([row])]) for row in given.rows]
        for answer, request in zip(given.answers, waiting, strict=True):
            assert_result_is([answer], request.get_result())


@pytest.mark.parametrize("response", [None, *ENCODINGS])
@pytest.mark.parametrize("request_", [None, *ENCODINGS])
def test_bodies_may_be_compressed_both_ways(
    client: Any, given: Given, request_: str | None, response: str | None
) -> None:
    """Many phones, as a short answer is not worth it."""
    times = 40
    result = client.infer(
        given.model,
        [table(given.rows * times)],
        request_compression_algorithm=request_,
        response_compression_algorithm=response,
    )
    assert_result_is(given.answers * times, result)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_long_answer_is_compressed_where_that_is_asked_for(given: Given, encoding: str) -> None:
    """By the client that shows what comes: it decodes by the headers alone."""
    body, json_size = http.InferenceServerClient.generate_request_body([table(given.rows * 40)])
    headers = {"Accept-Encoding": encoding, "Inference-Header-Content-Length": str(json_size)}

    async def ask(client: Any) -> tuple[Any, bytes]:
        response = await client._post(f"v2/models/{given.model}/infer", body, headers, None)
        return response.headers, await response.read()

    answered, content = ask_with_asyncio(given, ask)
    assert answered["Content-Encoding"] == encoding
    result = http.InferenceServerClient.parse_response_body(
        content,
        header_length=int(answered["Inference-Header-Content-Length"]),
        content_encoding=encoding,
    )
    assert_result_is(given.answers * 40, result)


def test_enough_time_changes_nothing(client: Any, given: Given, inputs: list[Any]) -> None:
    assert_result_is(given.answers, client.infer(given.model, inputs, timeout=30_000_000, priority=1))


def test_too_little_time_is_told(client: Any, given: Given) -> None:
    """A microsecond, for more phones than one look takes."""
    with refused("timeout", "504"):
        client.infer(given.model, [table(given.rows * 400)], timeout=1)


def test_parameters_of_others_are_left_alone(client: Any, given: Given, inputs: list[Any]) -> None:
    assert_result_is(given.answers, client.infer(given.model, inputs, parameters={"campaign": "spring"}))


# refusals


def changed(
    given: Given, name: str, value: float, datatype: str = "FP64", *, binary: bool = True
) -> list[Any]:
    """The inputs with another value in the fourth phone."""
    rows = np.array(given.rows)
    rows[3, given.features.index(name)] = value
    return [table(rows.tolist(), datatype, binary=binary)]


def of_texts(given: Given) -> list[Any]:
    rows = np.array([[str(value) for value in row] for row in given.rows], dtype=np.object_)
    return [http.InferInput("phones", list(rows.shape), "BYTES").set_data_from_numpy(rows)]


def of_brain_floats(given: Given) -> list[Any]:
    rows = np.array(given.rows, bfloat16)
    return [http.InferInput("phones", list(rows.shape), "BF16").set_data_from_numpy(rows)]


REFUSALS: dict[str, tuple[Callable[[Given], list[Any]], str]] = {
    "a table of 19 columns": (
        lambda given: [table([row[:19] for row in given.rows])],
        r"inputs\[0\].* \[50, 19\].* \[n, 20\]",
    ),
    "a table without rows": (
        lambda given: [tensor("phones", np.empty((0, 20)), "FP32")],
        "row",
    ),
    "one row without its brackets": (
        lambda given: [tensor("phones", np.array(given.rows[0]), "FP32")],
        r"inputs\[0\].* \[20\].* \[n, 20\]",
    ),
    "texts": (of_texts, r"inputs\[0\].*datatype must be .*FP32"),
    "brain floats": (of_brain_floats, r"inputs\[0\].*datatype must be .*FP32"),
    "a column too few": (
        lambda given: [
            tensor(name, np.array([phone[name] for phone in given.phones]), "FP32")
            for name in given.features
            if name != "ram"
        ],
        r"no input ram.* \[n, 20\].* \[n\] named like the specifications",
    ),
    "a column too short": (
        lambda given: [
            tensor(name, np.ones(len(given.phones) - (name == "ram")), "FP32") for name in given.features
        ],
        "ram must have 50 rows",
    ),
    "not a number": (
        lambda given: changed(given, "ram", float("nan")),
        "Row 3 .*ram.*whole number from 1 to 65536",
    ),
    "not a number in JSON": (
        lambda given: changed(given, "ram", float("nan"), binary=False),
        "(?i)nan|json",
    ),
    "infinity": (lambda given: changed(given, "clock_speed", float("inf")), "Row 3 .*clock_speed"),
    "an implausible value": (
        lambda given: changed(given, "ram", 70_000, "FP32"),
        "Row 3 .*ram.*less than or equal to 65536.*whole number from 1 to 65536",
    ),
    "half a flag": (lambda given: changed(given, "wifi", 0.5), "Row 3 .*wifi"),
}
"""What is sent, and words of the answer that say what is wrong, and what was expected."""


@pytest.mark.parametrize("what", REFUSALS)
def test_what_is_no_table_of_phones_is_refused_in_words(client: Any, given: Given, what: str) -> None:
    make, words = REFUSALS[what]
    with refused(words):
        client.infer(given.model, make(given))


@pytest.mark.parametrize("what", REFUSALS)
def test_what_is_no_table_of_phones_is_refused_with_asyncio(given: Given, what: str) -> None:
    make, words = REFUSALS[what]
    with refused(words):
        ask_with_asyncio(given, lambda client: client.infer(given.model, make(given)))


def test_an_unknown_output_is_refused_with_those_that_there_are(
    client: Any, given: Given, inputs: list[Any]
) -> None:
    with refused("predict or predict_proba or label"):
        client.infer(given.model, inputs, outputs=[http.InferRequestedOutput("price")])


def test_an_unknown_model_or_version_is_told_which_there_is(
    client: Any, given: Given, inputs: list[Any]
) -> None:
    words = f"{given.model}, version {given.version}"
    asks: list[Callable[[], Any]] = [
        lambda: client.infer("another", inputs),
        lambda: client.infer(given.model, inputs, model_version="another"),
        lambda: client.get_model_metadata("another"),
        lambda: client.get_model_config("another"),
        lambda: client.get_inference_statistics("another"),
        lambda: client.load_model("another"),
        lambda: client.unload_model("another"),
    ]
    for ask in asks:
        with refused(words, "404"):
            ask()


@pytest.mark.parametrize("compression", [None, *ENCODINGS])
def test_a_body_that_is_too_large_is_refused_with_the_limit(
    client: Any, given: Given, compression: str | None
) -> None:
    phones = table(np.ones((200_000, 20)).tolist())
    with refused("too large: send at most [0-9]+ bytes", "413"):
        client.infer(given.model, [phones], request_compression_algorithm=compression)


def test_what_the_service_has_not_of_triton_is_told(client: Any) -> None:
    """A way to share memory, and settings of traces and logs."""
    for ask in (client.get_system_shared_memory_status, client.get_trace_settings, client.get_log_settings):
        with refused("There is nothing at this path", "404"):
            ask()


# keys


def test_a_service_with_keys_says_so_and_takes_one(given: Given, inputs: list[Any]) -> None:
    with http.InferenceServerClient(given.locked_url.removeprefix("http://")) as client:
        assert client.is_server_live()
        assert client.is_server_ready()
        asks: list[Callable[[], Any]] = [
            lambda: client.infer(given.model, inputs),
            lambda: client.get_model_metadata(given.model),
            lambda: client.get_model_repository_index(),
        ]
        for ask in asks:
            with refused("(?i)key", "401"):
                ask()
        for headers in ({"X-API-Key": given.key}, {"Authorization": f"Bearer {given.key}"}):
            assert_result_is(given.answers, client.infer(given.model, inputs, headers=headers))


# the client for asyncio, as far as it has code of its own


def test_with_asyncio_all_is_told_as_without(client: Any, given: Given) -> None:
    async def ask(patient: Any) -> None:
        assert await patient.is_server_live()
        assert await patient.is_server_ready()
        assert await patient.is_model_ready(given.model)
        assert not await patient.is_model_ready("another")
        assert await patient.get_server_metadata() == client.get_server_metadata()
        assert await patient.get_model_metadata(given.model) == client.get_model_metadata(given.model)
        assert await patient.get_model_config(given.model) == client.get_model_config(given.model)
        assert await patient.get_model_repository_index() == client.get_model_repository_index()
        statistics = await patient.get_inference_statistics(given.model)
        assert statistics == client.get_inference_statistics(given.model)
        await patient.load_model(given.model)
        with refused("The service has one model and keeps it"):
            await patient.unload_model(given.model)

    ask_with_asyncio(given, ask)


@pytest.mark.parametrize("binary", [True, False], ids=["binary", "json"])
def test_with_asyncio_a_table_gets_what_predict_answers(given: Given, binary: bool) -> None:
    """It calls JSON alone application/octet-stream too."""
    wishes = [http.InferRequestedOutput(name, binary_data=binary) for name in ("predict_proba", "predict")]
    result = ask_with_asyncio(
        given,
        lambda client: client.infer(
            given.model, [table(given.rows, binary=binary)], outputs=wishes, request_id="7"
        ),
    )
    assert_result_is(given.answers, result)
    assert result.get_response()["id"] == "7"


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_with_asyncio_bodies_may_be_compressed(given: Given, encoding: str) -> None:
    result = ask_with_asyncio(
        given,
        lambda client: client.infer(
            given.model,
            [table(given.rows * 40)],
            request_compression_algorithm=encoding,
            response_compression_algorithm=encoding,
        ),
    )
    assert_result_is(given.answers * 40, result)
