"""The Open Inference Protocol V2 with Triton's extensions, byte by byte and against POST /predict."""

import gzip
import json
import struct
import zlib
from typing import Any

import httpx
import numpy as np
import pytest

from contract.bundle import current_version
from contract.phone import EXAMPLE, FEATURES
from service.protocols.open_inference.inputs import NUMBERS
from tests.running_service import ARTIFACTS
from tests.service.protocols.phones import PHONES, ROWS, WRONG, predicted

INFER = "/v2/models/phone-price/infer"
LENGTH = "Inference-Header-Content-Length"


def table(rows: list[Any] = ROWS, **changes: Any) -> dict[str, Any]:
    return {"name": "x", "shape": [len(rows), 20], "datatype": "FP64", "data": rows} | changes


def columns(phones: list[dict[str, Any]] = PHONES, **changes: Any) -> list[dict[str, Any]]:
    """A tensor for each specification, in another order than that of `FEATURES`, among others."""
    named = [
        {"name": name, "shape": [len(phones)], "datatype": "FP64", "data": [phone[name] for phone in phones]}
        | changes
        for name in sorted(FEATURES, reverse=True)
    ]
    return [{"name": "id", "shape": [len(phones)], "datatype": "BYTES", "data": ["a"] * len(phones)}, *named]


def asked(service: httpx.Client, *inputs: dict[str, Any], **fields: Any) -> httpx.Response:
    return service.post(INFER, json={"inputs": inputs, **fields})


def outputs(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    return {output["name"]: output for output in answer.json()["outputs"]}


def posted(service: httpx.Client, request: Any, *raw: bytes, **headers: str) -> httpx.Response:
    """Send JSON and bytes behind it."""
    head = json.dumps(request).encode()
    return service.post(INFER, content=b"".join([head, *raw]), headers={LENGTH: str(len(head)), **headers})


def binary(array: np.ndarray[Any, Any], datatype: str, name: str = "x") -> tuple[dict[str, Any], bytes]:
    raw = array.tobytes()
    described = {"name": name, "shape": list(array.shape), "datatype": datatype}
    return described | {"parameters": {"binary_data_size": len(raw)}}, raw


def refusal(answer: httpx.Response, status: int = 400) -> str:
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/json")
    body = answer.json()
    assert body["details"][0]["msg"] in body["error"]
    return str(body["error"])


@pytest.mark.parametrize(
    "inputs",
    [
        [table()],
        [table(data=[value for row in ROWS for value in row])],
        [table(datatype="FP32", name="specifications", parameters={"content_type": "np"})],
        columns(),
        columns(shape=[len(PHONES), 1]),
        columns(parameters={"content_type": "pd"}),
    ],
)
def test_tensors_in_json_get_the_answers_of_predict(
    service: httpx.Client, inputs: list[dict[str, Any]]
) -> None:
    answer = asked(service, *inputs, id="mine", model_name="ignored")
    found, due = outputs(answer), predicted(service)
    assert found["predict"] == {
        "name": "predict",
        "shape": [len(PHONES)],
        "datatype": "INT64",
        "data": [each["price_range"] for each in due],
    }
    assert found["predict_proba"]["shape"] == [len(PHONES), 4]
    assert found["predict_proba"]["datatype"] == "FP32"
    assert found["predict_proba"]["data"] == [value for each in due for value in each["probabilities"]]
    assert found["label"]["data"] == [each["label"] for each in due]
    assert answer.json()["id"] == "mine"
    assert answer.json()["model_name"] == "phone-price"
    assert answer.json()["model_version"] == current_version(ARTIFACTS)


@pytest.mark.parametrize("datatype", ["FP64", "FP32", "INT64", "UINT16", "FP16"])
def test_bytes_behind_the_json_get_the_answers_of_predict(service: httpx.Client, datatype: str) -> None:
    """Of those phones whose numbers the datatype can hold."""
    whole = np.array(ROWS)
    whole[:, [FEATURES.index("clock_speed"), FEATURES.index("m_dep")]] = 1
    rows = np.array(ROWS) if datatype in ("FP64", "FP32") else whole
    tensor, raw = binary(rows.astype(NUMBERS[datatype]), datatype)
    found = outputs(posted(service, {"inputs": [tensor]}, raw))
    for row, price_range, probabilities in zip(
        rows, found["predict"]["data"], np.reshape(found["predict_proba"]["data"], (-1, 4)), strict=True
    ):
        due = service.post("/predict", json=dict(zip(FEATURES, row, strict=True))).json()
        assert price_range == due["price_range"]
        assert probabilities.tolist() == due["probabilities"]


def test_columns_of_different_datatypes_may_lie_behind_the_json(service: httpx.Client) -> None:
    """Flags as BOOL, and a column of text among them that is nobody's business."""
    tensors, raw = [], []
    for name in FEATURES:
        column = np.array([phone[name] for phone in PHONES])
        datatype = "BOOL" if set(column) <= {0, 1} else "FP64"
        tensor, content = binary(column.astype(NUMBERS[datatype]), datatype, name=name)
        tensors.append(tensor)
        raw.append(content)
    text = b"".join(struct.pack("<I", 1) + b"x" for _ in PHONES)
    tensors.insert(
        3, {"name": "id", "shape": [4], "datatype": "BYTES", "parameters": {"binary_data_size": 20}}
    )
    raw.insert(3, text)
    found = outputs(posted(service, {"inputs": tensors}, *raw))
    assert found["predict_proba"]["data"] == [
        value for each in predicted(service) for value in each["probabilities"]
    ]


def test_answers_may_lie_behind_the_json_too(service: httpx.Client) -> None:
    answer = posted(service, {"inputs": [table()], "parameters": {"binary_data_output": True}})
    assert answer.headers["content-type"] == "application/octet-stream"
    end = int(answer.headers[LENGTH])
    head, tail = json.loads(answer.content[:end]), answer.content[end:]
    assert [each["name"] for each in head["outputs"]] == ["predict", "predict_proba", "label"]
    sizes = [each["parameters"]["binary_data_size"] for each in head["outputs"]]
    assert sum(sizes) == len(tail)
    due = predicted(service)
    count = len(due)
    assert struct.unpack(f"<{count}q", tail[: sizes[0]]) == tuple(each["price_range"] for each in due)
    assert list(struct.unpack(f"<{4 * count}f", tail[sizes[0] : sizes[0] + sizes[1]])) == [
        value for each in due for value in each["probabilities"]
    ]
    labels = b"".join(struct.pack("<I", len(each["label"])) + each["label"].encode() for each in due)
    assert tail[-sizes[2] :] == labels


def test_the_outputs_asked_for_come_in_their_order_and_each_as_it_is_wanted(service: httpx.Client) -> None:
    wishes = [{"name": "label"}, {"name": "predict", "parameters": {"binary_data": True}}]
    answer = asked(service, table(), outputs=wishes)
    end = int(answer.headers[LENGTH])
    first, second = json.loads(answer.content[:end])["outputs"]
    assert (first["name"], second["name"]) == ("label", "predict")
    assert "data" in first
    assert len(answer.content) - end == 8 * len(PHONES) == second["parameters"]["binary_data_size"]
    own = {"name": "predict", "parameters": {"binary_data": False}}
    both = asked(service, table(), outputs=[own], parameters={"binary_data_output": True})
    assert LENGTH not in both.headers


@pytest.mark.parametrize("classes", [1, 2, 4, 99])
def test_classification_names_the_likeliest_classes(service: httpx.Client, classes: int) -> None:
    wish = {"name": "predict_proba", "parameters": {"classification": classes}}
    found = outputs(asked(service, table(), outputs=[wish]))["predict_proba"]
    shown = min(classes, 4)
    assert (found["datatype"], found["shape"]) == ("BYTES", [len(PHONES), shown])
    names = ("low", "medium", "high", "very high")
    for number, due in enumerate(predicted(service)):
        ranked = sorted(range(4), key=lambda each: -due["probabilities"][each])[:shown]
        texts = [f"{due['probabilities'][each]:.6f}:{each}:{names[each]}" for each in ranked]
        assert found["data"][number * shown : (number + 1) * shown] == texts


@pytest.mark.parametrize(("encoding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_a_packed_body_is_unpacked(service: httpx.Client, encoding: str, pack: Any) -> None:
    tensor, raw = binary(np.array(ROWS), "FP64")
    head = json.dumps({"inputs": [tensor]}).encode()
    headers = {LENGTH: str(len(head)), "Content-Encoding": encoding}
    answer = service.post(INFER, content=pack(head + raw), headers=headers)
    assert outputs(answer)["predict"]["data"] == [each["price_range"] for each in predicted(service)]
    broken = service.post(INFER, content=pack(head + raw)[:-5], headers=headers)
    assert "breaks off" in refusal(broken)
    assert "not compressed" in refusal(service.post(INFER, content=head + raw, headers=headers))


def test_a_body_that_unpacks_to_too_much_is_refused(service: httpx.Client) -> None:
    bomb = gzip.compress(b" " * 64 * 2**20)
    answer = service.post(INFER, content=bomb, headers={"Content-Encoding": "gzip"})
    assert len(bomb) < 100_000
    assert "8388608 bytes, unpacked" in refusal(answer, 413)


def test_an_unknown_encoding_is_refused(service: httpx.Client) -> None:
    answer = service.post(INFER, content=b"x", headers={"Content-Encoding": "br"})
    assert "gzip or deflate" in refusal(answer, 415)
    assert answer.headers["accept-encoding"] == "gzip, deflate, identity"


def test_a_large_answer_is_packed_where_that_is_accepted(service: httpx.Client) -> None:
    body = {"inputs": [table(ROWS * 250)]}
    for encoding in ("gzip", "deflate"):
        packed = service.post(INFER, json=body, headers={"Accept-Encoding": encoding})
        assert packed.headers["content-encoding"] == encoding
        assert int(packed.headers["content-length"]) < len(packed.content) / 2
        assert outputs(packed)["predict"]["shape"] == [1_000]
    ranked = service.post(INFER, json=body, headers={"Accept-Encoding": "gzip;q=0.5, deflate;q=0.6"})
    assert (ranked.headers["content-encoding"], ranked.headers["vary"]) == ("deflate", "Accept-Encoding")
    plain = service.post(INFER, json=body, headers={"Accept-Encoding": "gzip;q=0"})
    assert "content-encoding" not in plain.headers
    assert plain.headers["vary"] == "Accept-Encoding"
    assert plain.content == packed.content
    small = service.post(INFER, json={"inputs": [table()]}, headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in small.headers


def test_whatever_the_content_type_says_the_body_is_json(service: httpx.Client) -> None:
    """tritonclient sends none, its asynchronous sister says octet-stream."""
    content = json.dumps({"inputs": [table()]}).encode()
    for headers in ({}, {"Content-Type": "application/octet-stream"}, {"Content-Type": "text/plain"}):
        assert service.post(INFER, content=content, headers=headers).status_code == 200


def test_many_rows_come_as_bytes_and_not_as_json(service: httpx.Client) -> None:
    rows = np.tile(np.array(ROWS, np.float32), (10_000, 1))
    tensor, raw = binary(rows, "FP32")
    wish = {"name": "predict", "parameters": {"binary_data": True}}
    answer = posted(service, {"inputs": [tensor], "outputs": [wish]}, raw)
    end = int(answer.headers[LENGTH])
    due = [each["price_range"] for each in predicted(service)] * 10_000
    assert np.frombuffer(answer.content[end:], "<i8").tolist() == due
    assert "at most 10000 in JSON" in refusal(posted(service, {"inputs": [tensor]}, raw))
    names = {"name": "predict_proba", "parameters": {"classification": 4, "binary_data": True}}
    assert "by classification" in refusal(posted(service, {"inputs": [tensor], "outputs": [names]}, raw))
    too_many = asked(service, table(shape=[10_001, 20], data=[]))
    assert "at most 10000 in JSON" in refusal(too_many)


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ([table(shape=[4, 19])], "inputs[0]: The shape is [4, 19]: send one tensor of shape [n, 20]"),
        ([table(shape=[80])], "The shape is [80]"),
        ([table(shape=[1, 2, 3, 4, 5, 6])], "The shape is [1, 2, 3, 4, ...]"),
        ([table(shape=[3, 20])], "There are 80 numbers, but the shape is [3, 20]"),
        ([table(shape=[20, 20], data=[[[value]] for row in ROWS * 5 for value in row])], "numbers of FP64"),
        (
            [table(shape=[4, 20], data=[row[:10] for row in ROWS * 2])],
            "There are 8 rows or numbers, but the shape is",
        ),
        ([table(shape=[0, 20], data=[])], "There are no phones"),
        ([table(shape=[-1, 20])], "Expected `int` >= 0 - at `$.inputs[0].shape[0]`"),
        ([table(shape=[2**31, 20])], "Expected `int`"),
        ([table(data=[*ROWS[:3], ROWS[3][:-1]])], "There are 79 numbers"),
        ([table(data=[*ROWS[:2], ROWS[2] + [1], ROWS[3][:-1]])], "as many in each row"),
        (
            [table(data=[*ROWS[:3], [*ROWS[3][:-1], None]])],
            "Row 3 (counted from 0), column wifi: The value is missing",
        ),
        (columns([{**EXAMPLE, "ram": None}]), "Row 0 (counted from 0), column ram: The value is missing"),
        (
            [table(datatype="INT64", data=[[None] * 20], shape=[1, 20])],
            "column battery_power: The value is missing",
        ),
        ([table(datatype="INT64", data=[*ROWS[:3], [*ROWS[3][:-1], "1"]])], "numbers of INT64"),
        ([table(datatype="INT64")], "numbers of INT64"),
        ([table(data=[*ROWS[:3], [*ROWS[3][:-1], "1"]])], "without text or true"),
        ([table(data=[*ROWS[:3], [*ROWS[3][:-1], True]])], "numbers of FP64"),
        ([table(data=[[ROWS]])], "numbers of FP64"),
        ([table(data=[])], "but the shape is [4, 20]"),
        ([table(datatype="INT8")], "numbers of INT8"),
        ([table(datatype="BYTES")], "The datatype must be BOOL or UINT8"),
        ([table(datatype="BF16")], "The datatype must be"),
        ([table([list(WRONG.values())])], "Row 0 (counted from 0), column wifi"),
        ([table([*ROWS, list(WRONG.values())])], "Row 4 (counted from 0), column wifi"),
        ([{"name": "x", "shape": [1, 20], "datatype": "FP32"}], "No data"),
        (columns()[:-1], "There is no input battery_power: send one tensor"),
        ([*columns(), columns()[5]], "same name"),
        ([*columns()[:-1], columns(PHONES[:2])[-1]], "must have 2 rows, as battery_power has"),
        (columns(shape=[4, 2]), "a specification has [n] or [n, 1]"),
        (columns([WRONG]), "column wifi: Input should be less than or equal to 1. wifi must be 0 or 1"),
        ([], "There is no input battery_power, blue"),
        (columns(shape=[10**9]), "at most 10000 in JSON"),
        (columns(shape=[10**400]), "Expected `int`"),
    ],
)
def test_wrong_inputs_are_refused_with_what_was_expected(
    service: httpx.Client, inputs: list[dict[str, Any]], words: str
) -> None:
    assert words in refusal(asked(service, *inputs))


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        (
            {"name": "nothing"},
            "outputs[0]: There is no such output: ask for predict or predict_proba or label",
        ),
        ({"name": "label", "parameters": {}}, "This output comes twice; ask for it once"),
        ({"name": "predict", "parameters": {"classification": 1}}, "classification is of predict_proba only"),
        ({"name": "predict_proba", "parameters": {"classification": 0}}, "at least 1"),
        ({"name": "predict_proba", "parameters": {"classification": "2"}}, "a whole number of classes"),
    ],
)
def test_wrong_wishes_are_refused(service: httpx.Client, wish: dict[str, Any], words: str) -> None:
    both = [{"name": "label"}, wish] if "twice" in words else [wish]
    assert words in refusal(asked(service, table(), outputs=both))


@pytest.mark.parametrize(
    ("changes", "extra", "words"),
    [
        ({"parameters": {"binary_data_size": 639}}, b"", "bytes follow the last tensor"),
        (
            {"parameters": {"binary_data_size": 641}},
            b"",
            "binary_data_size is 641, but 640 bytes are there for it",
        ),
        (
            {"parameters": {"binary_data_size": 641}},
            b"x",
            "is 641, but FP64 of shape [4, 20] takes 640 bytes",
        ),
        ({"parameters": {"binary_data_size": -1}}, b"", "binary_data_size is -1, but 640 bytes"),
        ({"parameters": {"binary_data_size": "640"}}, b"", "binary_data_size is no number"),
        ({"parameters": {"binary_data_size": True}}, b"", "binary_data_size is no number"),
        ({"data": [1]}, b"", "data as well as binary_data_size"),
        ({"datatype": "FP32"}, b"", "takes 320 bytes"),
        ({"shape": [10**9, 20]}, b"", "takes 160000000000 bytes"),
    ],
)
def test_bytes_that_do_not_fit_their_description_are_refused(
    service: httpx.Client, changes: dict[str, Any], extra: bytes, words: str
) -> None:
    tensor, raw = binary(np.array(ROWS), "FP64")
    assert words in refusal(posted(service, {"inputs": [tensor | changes]}, raw, extra))


def test_bytes_behind_the_json_that_no_header_tells_of_are_refused_with_its_name(
    service: httpx.Client,
) -> None:
    tensor, raw = binary(np.array(ROWS), "FP64")
    content = json.dumps({"inputs": [tensor]}).encode() + raw
    assert "send Inference-Header-Content-Length" in refusal(service.post(INFER, content=content))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300, -1])
def test_numbers_that_no_phone_has_are_refused_in_bytes_too(service: httpx.Client, value: float) -> None:
    rows = np.array(ROWS)
    rows[2, FEATURES.index("ram")] = value
    tensor, raw = binary(rows, "FP64")
    assert "Row 2 (counted from 0), column ram" in refusal(posted(service, {"inputs": [tensor]}, raw))


def test_a_whole_number_with_a_trace_of_decimals_is_taken_as_predict_takes_it(service: httpx.Client) -> None:
    phone = EXAMPLE | {"ram": 2048.0000000001}
    due = service.post("/predict", json=phone).json()["probabilities"]
    tensor, raw = binary(np.array([list(phone.values())]), "FP64")
    assert outputs(posted(service, {"inputs": [tensor]}, raw))["predict_proba"]["data"] == due


@pytest.mark.parametrize("length", ["-1", "x", "1e3", "99999999", "", "9" * 5_000, "\u0663"])
def test_a_wrong_length_of_json_is_refused(service: httpx.Client, length: str) -> None:
    content = json.dumps({"inputs": [table()]}).encode()
    answer = service.post(INFER, content=content, headers=[(LENGTH.encode(), length.encode())])
    assert "from 0 to the body's" in refusal(answer)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"null", b'{"inputs": 5}', b'{"inputs": [5]}', b"\xff", b"[" * 100_000]
)
def test_what_is_no_inference_request_is_refused(service: httpx.Client, content: bytes) -> None:
    assert refusal(service.post(INFER, content=content))


def test_a_gap_that_python_writes_as_nan_is_told(service: httpx.Client) -> None:
    for value in ("NaN", "-Infinity"):
        content = json.dumps({"inputs": [table()]}).replace("2048", value, 1)
        assert "NaN and Infinity are not JSON" in refusal(service.post(INFER, content=content))


def test_a_deadline_of_the_request_is_kept(service: httpx.Client) -> None:
    rows = np.tile(np.array(ROWS, np.float32), (20_000, 1))
    tensor, raw = binary(rows, "FP32")
    hasty = {"inputs": [tensor], "parameters": {"timeout": 1, "binary_data_output": True}}
    assert "timeout" in refusal(posted(service, hasty, raw), 504)
    for patience in (60_000_000, 10**400, True, -1, "soon"):
        patient = {"inputs": [table()], "parameters": {"timeout": patience}}
        assert posted(service, patient).status_code == 200


def test_health_and_metadata_are_those_of_the_specification(service: httpx.Client) -> None:
    version = current_version(ARTIFACTS)
    assert service.get("/v2/health/live").json() == {"live": True}
    assert service.get("/v2/health/ready").json() == {"ready": True, "live": True}
    for path in ("/v2", "/v2/"):
        assert service.get(path).json()["name"] == "phone-price"
        assert "binary_tensor_data" in service.get(path).json()["extensions"]
    assert service.get("/v2/models").json() == {"models": ["phone-price"]}
    for path in ("/v2/models/phone-price", f"/v2/models/phone-price/versions/{version}"):
        assert service.get(f"{path}/ready").json() == {"name": "phone-price", "ready": True}
        metadata = service.get(path).json()
        assert metadata["versions"] == [version]
        assert metadata["inputs"] == [{"name": "specifications", "datatype": "FP32", "shape": [-1, 20]}]
        assert [(each["name"], each["datatype"], each["shape"]) for each in metadata["outputs"]] == [
            ("predict", "INT64", [-1]),
            ("predict_proba", "FP32", [-1, 4]),
            ("label", "BYTES", [-1]),
        ]
        config = service.get(f"{path}/config").json()
        assert config["max_batch_size"] == 10_000
        assert config["input"] == [{"name": "specifications", "data_type": "TYPE_FP32", "dims": [20]}]
        assert service.post(f"{path}/infer", json={"inputs": [table()]}).status_code == 200


@pytest.mark.parametrize("path", ["/v2/models/other", "/v2/models/phone-price/versions/1"])
@pytest.mark.parametrize("call", ["", "/ready", "/config", "/stats", "/infer"])
def test_another_model_or_version_is_unknown(service: httpx.Client, path: str, call: str) -> None:
    method = "POST" if call == "/infer" else "GET"
    answer = service.request(method, path + call, json={"inputs": [table()]} if call == "/infer" else None)
    assert "this service has phone-price, version" in refusal(answer, 404)


def test_the_repository_holds_one_model_that_stays(service: httpx.Client) -> None:
    for body in (b"", b"{}", b'{"ready": true}'):
        (model,) = service.post("/v2/repository/index", content=body).json()
        assert (model["name"], model["state"]) == ("phone-price", "READY")
    assert "JSON object" in refusal(service.post("/v2/repository/index", content=b"[]"))
    packed = service.post(
        "/v2/repository/index", content=gzip.compress(b"{}"), headers={"Content-Encoding": "gzip"}
    )
    assert packed.status_code == 200
    load, unload = (f"/v2/repository/models/phone-price/{verb}" for verb in ("load", "unload"))
    assert service.post(load).status_code == 200
    assert "leave the parameters out" in refusal(service.post(load, json={"parameters": {"config": "{}"}}))
    assert "keeps it" in refusal(service.post(unload))
    assert refusal(service.post("/v2/repository/models/other/load"), 404)
    assert service.get("/v2/models/phone-price/ready").status_code == 200


def test_statistics_count_phones_requests_and_failures(service: httpx.Client) -> None:
    def told() -> tuple[int, int, int, int]:
        (model,) = service.get("/v2/models/phone-price/stats").json()["model_stats"]
        stats = model["inference_stats"]
        parts = sum(
            stats[part]["ns"] for part in ("queue", "compute_input", "compute_infer", "compute_output")
        )
        assert parts == stats["success"]["ns"]
        return (
            model["inference_count"],
            model["execution_count"],
            stats["fail"]["count"],
            model["last_inference"],
        )

    before = told()
    asked(service, table())
    asked(service, table(ROWS[:1], datatype="FP32"))
    asked(service, table(shape=[1]))
    after = told()
    assert [now - then for now, then in zip(after[:3], before[:3], strict=True)] == [5, 2, 1]
    assert after[3] > before[3]
    assert service.get("/v2/models/stats").json()["model_stats"][0]["inference_count"] == after[0]
