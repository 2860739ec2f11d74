"""LitServe on the bundle's ONNX graph: python litserve_server.py PORT, with MODEL naming its file.

The settings are those its documentation gives for speed:
- fast_queue: "for high-throughput serving", by ZeroMQ. LitServe 0.2.19 ignores it (its issue 751). With that
  repaired by hand, in a short trial, it answered a fifth more at 64 connections and a sixth fewer at one.
- no batching: with max_batch_size=64, batch_timeout=0.001 a trial had a fifth fewer at 64, and half at one.
- one worker on the CPU, one API server, no log of requests, uvloop and httptools under it.
- one thread of onnxruntime: on one core a second would only wait.
The body is the 20 numbers in order; no field is named or checked, which is the least work.
"""

import os
import sys
from typing import Any

import litserve
import numpy as np
import onnxruntime


class PriceAPI(litserve.LitAPI):  # type: ignore[misc]
    """(20,) numbers in, (4,) probabilities out."""

    def setup(self, device: str) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(os.environ["MODEL"], options)

    def decode_request(self, request: dict[str, list[float]]) -> Any:
        return np.array([request["input"]], dtype=np.float32)

    def predict(self, x: Any) -> Any:
        return self.session.run(["probabilities"], {"phones": x})[0]

    def encode_response(self, output: Any) -> dict[str, list[float]]:
        return {"output": output[0].tolist()}


if __name__ == "__main__":
    server = litserve.LitServer(
        PriceAPI(), accelerator="cpu", devices=1, workers_per_device=1, fast_queue=True
    )
    server.run(
        host="127.0.0.1",
        port=int(sys.argv[1]),
        num_api_servers=1,
        log_level="warning",
        access_log=False,
        loop="uvloop",
        http="httptools",
        generate_client_file=False,
    )
