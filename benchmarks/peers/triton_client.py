"""Triton's client asks for a table in binary and in JSON: python triton_client.py PORT WARM_UP SECONDS TABLE.

TABLE is an .npz file of `phones` (N, 20) and of what is right for them, `price_ranges` (N,) and
`probabilities` (N, 4). The two ways take turns call by call, on the one connection that the client keeps;
both ask for the same two outputs. It prints JSON: of each way the calls, and the average of one:

- call_ms: from the array of phones to the arrays of the answer, as a caller has it.
- writing_ms, reading_ms: what of this is the client's own, measured alone after each call: from the array to
  the request's body, and from the answer's body to the arrays.
- service_ms: what the service's statistics say that it had the request for.

A refusal or a wrong answer ends it with status 1 and the reason.
"""

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection
from time import perf_counter
from typing import Any, TypeAlias

import numpy as np
from tritonclient import http
from tritonclient.utils import InferenceServerException

MODEL = "phone-price"
PRICE_RANGES, PROBABILITIES = OUTPUTS = ("predict", "predict_proba")
LENGTH = "Inference-Header-Content-Length"

TOLERANCE = 1e-4
"""Largest difference of a probability."""

Array: TypeAlias = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Way:
    """How numbers travel: both the phones and the answer in binary, or both in JSON."""

    name: str
    binary: bool

    def inputs(self, phones: Array) -> list[Any]:
        tensor = http.InferInput("phones", list(phones.shape), "FP32")
        return [tensor.set_data_from_numpy(phones, binary_data=self.binary)]

    def wishes(self) -> list[Any]:
        return [http.InferRequestedOutput(name, binary_data=self.binary) for name in OUTPUTS]

    def ask(self, client: Any, phones: Array) -> list[Array]:
        return arrays(client.infer(MODEL, self.inputs(phones), outputs=self.wishes()))

    def write(self, phones: Array) -> tuple[bytes, int | None]:
        """The body that `ask` sends, and how much of it is JSON, if not all."""
        body: tuple[bytes, int | None] = http.InferenceServerClient.generate_request_body(
            self.inputs(phones), outputs=self.wishes()
        )
        return body

    def read(self, answer: bytes, length: int | None) -> list[Array]:
        """The arrays that `ask` makes of an answer."""
        return arrays(http.InferenceServerClient.parse_response_body(answer, header_length=length))


WAYS = (Way("binary", binary=True), Way("json", binary=False))


def arrays(result: Any) -> list[Array]:
    return [result.as_numpy(name) for name in OUTPUTS]


@dataclass
class Times:
    """The milliseconds of some calls."""

    calls: int = 0
    spent: dict[str, float] = field(
        default_factory=lambda: dict.fromkeys(("call_ms", "writing_ms", "reading_ms", "service_ms"), 0.0)
    )

    def average(self) -> dict[str, float]:
        return {"calls": self.calls, **{part: ms / self.calls for part, ms in self.spent.items()}}


@dataclass
class Asker:
    """A client of the service, and the table it asks for."""

    client: Any
    phones: Array
    right: Mapping[str, Array]
    answers: Mapping[str, tuple[bytes, int | None]]
    """Of each way an answer as it came, to be read alone."""

    def measure(self, seconds: float) -> dict[str, Times]:
        """Ask each way in turn for that long, and at least once."""
        times = {way.name: Times() for way in WAYS}
        start = perf_counter()
        while not times["json"].calls or perf_counter() - start < seconds:
            for way in WAYS:
                self._ask(way, times[way.name])
        return times

    def _ask(self, way: Way, times: Times) -> None:
        before = self._served_ms()
        call_ms, answer = timed(lambda: way.ask(self.client, self.phones))
        check(answer, self.right)
        times.calls += 1
        times.spent["call_ms"] += call_ms
        times.spent["service_ms"] += self._served_ms() - before
        times.spent["writing_ms"] += timed(lambda: way.write(self.phones))[0]
        times.spent["reading_ms"] += timed(lambda: way.read(*self.answers[way.name]))[0]

    def _served_ms(self) -> float:
        (stats,) = self.client.get_inference_statistics(MODEL)["model_stats"]
        return float(stats["inference_stats"]["success"]["ns"]) / 1e6


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Return the milliseconds, and what came of it."""
    start = perf_counter()
    done = work()
    return (perf_counter() - start) * 1e3, done


def check(answer: list[Array], right: Mapping[str, Array]) -> None:
    """End the program if an answer is wrong."""
    price_ranges, probabilities = answer
    if not np.array_equal(price_ranges, right["price_ranges"]):
        sys.exit("another price range than that of /predict")
    expected = right["probabilities"]
    if probabilities.shape != expected.shape or not np.allclose(
        probabilities, expected, rtol=0, atol=TOLERANCE
    ):
        sys.exit("other probabilities than those of /predict")


def one_answer(port: int, way: Way, phones: Array) -> tuple[bytes, int | None]:
    """Ask without the client, which keeps no answer as it came. It is checked when the client reads it."""
    body, length = way.write(phones)
    headers = {} if length is None else {LENGTH: str(length)}
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("POST", f"/v2/models/{MODEL}/infer", body, headers)
        response = connection.getresponse()
        answer, told = response.read(), response.headers[LENGTH]
    finally:
        connection.close()
    if response.status != 200:
        sys.exit(f"status {response.status}: {answer[:300].decode(errors='replace')}")
    return answer, None if told is None else int(told)


def main(port: int, warm_up: float, seconds: float, table: str) -> None:
    with np.load(table) as given:
        right = dict(given)
    phones = right["phones"].astype(np.float32)
    answers = {way.name: one_answer(port, way, phones) for way in WAYS}
    for way in WAYS:
        check(way.read(*answers[way.name]), right)
    with http.InferenceServerClient(f"127.0.0.1:{port}") as client:
        asker = Asker(client, phones, right, answers)
        try:
            asker.measure(warm_up)
            times = asker.measure(seconds)
        except InferenceServerException as refusal:
            sys.exit(str(refusal))
    sys.stdout.write(json.dumps({name: each.average() for name, each in times.items()}))


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]), sys.argv[4])
