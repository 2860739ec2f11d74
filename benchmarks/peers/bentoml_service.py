"""BentoML on the bundle's ONNX graph: bentoml serve bentoml_service:Prices, with MODEL naming its file.

The settings are those its documentation gives for speed:
- adaptive batching, with its own defaults for size and wait; without it, and with lists for arrays, three
  short trials in turn had as many answers, as far as their spread let one see.
- an async method: a plain one crosses into a thread for every request, and answered a tenth fewer.
- no access log, no metrics, no monitoring: each costs every request something.
- one worker; uvloop and httptools are installed, and uvicorn under it takes them when they are.
- one thread of onnxruntime: on one core a second would only wait.
The body is a batch of one, 20 numbers in order; no field is named or checked, which is the least work.
"""

import os

import bentoml
import numpy as np
import onnxruntime


@bentoml.service(
    workers=1,
    logging={"access": {"enabled": False}},
    metrics={"enabled": False},
    monitoring={"enabled": False},
)
class Prices:
    """(N, 20) numbers in, (N, 4) probabilities out."""

    def __init__(self) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(os.environ["MODEL"], options)

    @bentoml.api(batchable=True)  # type: ignore[untyped-decorator]
    async def predict(self, phones: np.ndarray) -> np.ndarray:
        (probabilities,) = self.session.run(["probabilities"], {"phones": phones.astype(np.float32)})
        return np.asarray(probabilities)
