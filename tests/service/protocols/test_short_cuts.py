"""One phone in a dialect, ahead of FastAPI's machinery: the same bytes as on its own path."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.phone import EXAMPLE, SPECIFICATIONS
from tests.asgi import JSON, Request
from tests.service.two_paths import TwoPaths
from tests.service.written_values import valid_values

TEXT = (b"content-type", b"text/plain")

INFER = "/v2/models/phone-price/infer"
NUMBERS = [*EXAMPLE.values()]


def tensor(**changes: object) -> dict[str, object]:
    return {"name": "x", "shape": [1, 20], "datatype": "FP32", "data": NUMBERS} | changes


def inference(*inputs: dict[str, object], **fields: object) -> bytes:
    return json.dumps({"inputs": inputs or [tensor()], **fields}).encode()


@pytest.mark.parametrize(
    "body",
    [
        inference(),
        inference(tensor(data=[NUMBERS])),
        inference(tensor(datatype="FP64", name="phones", parameters={"content_type": "np"})),
        inference(id="a", model_name="another field", parameters={}, outputs=[]),
        inference(id=None, parameters=None, outputs=None),
        inference().replace(b"[1, 20]", b" [ 1 , 20 ] ").replace(b": [1450", b": \n[\t1450"),
    ],
)
def test_a_tensor_of_one_phone_is_answered_ahead_of_fastapi_with_the_same_bytes(
    both: TwoPaths, body: bytes
) -> None:
    for headers in ((), (TEXT,), ((b"content-type", b"application/octet-stream"),)):
        found, taken = both.agree(Request((body,), headers, path=INFER))
        assert (found.status, taken) == (200, True)


@pytest.mark.parametrize(
    "body",
    [
        inference(tensor(), tensor(name="y")),
        inference(tensor(shape=[20])),
        inference(tensor(shape=[2, 20], data=NUMBERS * 2)),
        inference(tensor(datatype="INT64", data=[int(value) or 1 for value in NUMBERS])),
        inference(tensor(data=NUMBERS[:-1])),
        inference(tensor(data=[*NUMBERS, 1])),
        inference(tensor(data=[*NUMBERS[:-1], 2])),
        inference(tensor(data=[*NUMBERS[:-1], True])),
        inference(tensor(data=[*NUMBERS[:-1], None])),
        inference(tensor(data=[*NUMBERS[:-1], "1"])),
        inference(tensor(data=[NUMBERS, NUMBERS])),
        inference(tensor(data=[[NUMBERS]])),
        inference(tensor(data=[])),
        inference(tensor(data={})),
        inference(tensor(parameters={"binary_data_size": 80})),
        inference(tensor(name="ram")),
        inference(outputs=[{"name": "label"}]),
        inference(outputs=[{"name": "nothing"}]),
        inference(parameters={"binary_data_output": True}),
        inference(parameters={"timeout": 10_000_000}),
        inference(*[tensor(name=name, shape=[1], data=[value]) for name, value in EXAMPLE.items()]),
        inference()[:-1],
        b"",
        b"[]",
        b"\xff",
        b'{"inputs": ' + b"[" * 100_000,
    ],
)
def test_any_other_tensor_is_left_to_fastapi(both: TwoPaths, body: bytes) -> None:
    _, taken = both.agree(Request((body,), path=INFER))
    assert not taken


def test_a_tensor_with_bytes_behind_it_is_left_to_fastapi(both: TwoPaths) -> None:
    header = (b"inference-header-content-length", b"%d" % len(inference()))
    found, taken = both.agree(Request((inference(),), (header,), path=INFER))
    assert (found.status, taken) == (200, False)


def test_tensors_of_any_valid_values_are_answered_ahead_of_fastapi(both: TwoPaths) -> None:
    numbers = st.tuples(*map(valid_values, SPECIFICATIONS.values())).map(",".join)

    @settings(max_examples=100, derandomize=True, deadline=None)
    @given(numbers, st.sampled_from(["FP32", "FP64"]))
    def alike(data: str, datatype: str) -> None:
        body = inference(tensor(datatype=datatype, data=["here"])).replace(b'"here"', data.encode())
        found, taken = both.agree(Request((body,), path=INFER))
        assert (found.status, taken) == (200, True)

    alike()


V1 = "/v1/models/phone-price:predict"


@pytest.mark.parametrize("instance", [EXAMPLE, NUMBERS, {**EXAMPLE, "id": 5}, EXAMPLE | {"ram": 8_192}])
def test_one_instance_is_answered_ahead_of_fastapi_with_the_same_bytes(
    both: TwoPaths, instance: object
) -> None:
    for headers in ((), (JSON,), (TEXT,)):
        body = json.dumps({"instances": [instance]}).encode()
        found, taken = both.agree(Request((body,), headers, path=V1))
        assert (found.status, taken) == (200, True)


@pytest.mark.parametrize(
    "body",
    [
        {"inputs": [EXAMPLE]},
        {"instances": [EXAMPLE], "model_name": "x"},
        {"instances": [EXAMPLE, NUMBERS]},
        {"instances": [NUMBERS[:-1]]},
        {"instances": [EXAMPLE | {"wifi": 2}]},
        {"instances": [[*NUMBERS[:-1], 2]]},
        {"instances": [{"ram": 1}]},
        {"instances": [[{}]]},
        {"instances": []},
        {"instances": EXAMPLE},
        {},
        [EXAMPLE],
        EXAMPLE,
    ],
)
def test_any_other_instances_are_left_to_fastapi(both: TwoPaths, body: object) -> None:
    _, taken = both.agree(Request((json.dumps(body).encode(),), path=V1))
    assert not taken
