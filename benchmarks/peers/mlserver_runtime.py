"""MLServer on the bundle's ONNX graph: python mlserver_runtime.py PORT, with MODEL naming its file.

The settings are those its documentation gives for speed:
- parallel_workers 0: inference in the server's own process, without a queue to another one.
- debug off, which is also the access log; no metrics endpoint, no gzip.
- no adaptive batching: with up to 64 requests in a millisecond, a short trial had as many answers at 64
  connections, and a third as many at one.
- no cache: it would answer a handful of phones from memory.
- uvloop, which `mlserver start` installs too, and httptools, which uvicorn takes when it is there.
- one thread of onnxruntime: on one core a second would only wait.
"""

import asyncio
import os
import sys

import numpy as np
import onnxruntime
from mlserver import MLModel, MLServer, ModelSettings, Settings
from mlserver.settings import ModelParameters
from mlserver.types import InferenceRequest, InferenceResponse, ResponseOutput
from mlserver.utils import install_uvloop_event_loop


class Prices(MLModel):  # type: ignore[misc]
    """(N, 20) FP32 in, (N, 4) FP32 out, by the V2 inference protocol."""

    async def load(self) -> bool:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(self.settings.parameters.uri, options)
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        (phones,) = payload.inputs
        features = np.array(phones.data.root, dtype=np.float32).reshape(phones.shape)
        probabilities = self.session.run(["probabilities"], {"phones": features})[0]
        output = ResponseOutput(
            name="probabilities",
            shape=list(probabilities.shape),
            datatype="FP32",
            data=probabilities.ravel().tolist(),
        )
        return InferenceResponse(model_name=self.name, outputs=[output])


async def serve(port: int) -> None:
    """Serve on 127.0.0.1 until stopped."""
    settings = Settings(
        host="127.0.0.1",
        http_port=port,
        grpc_port=0,  # any that is free: nobody asks there
        parallel_workers=0,
        debug=False,
        metrics_endpoint=None,
        gzip_enabled=False,
    )
    graph = ModelParameters(uri=os.environ["MODEL"])
    await MLServer(settings).start([ModelSettings(name="phones", implementation=Prices, parameters=graph)])


if __name__ == "__main__":
    install_uvloop_event_loop()
    asyncio.run(serve(int(sys.argv[1])))
