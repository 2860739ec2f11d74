"""The default engine: onnxruntime on the graph that holds scaler, network and softmax."""

import numpy as np

from contract.bundle import Bundle
from contract.errors import EngineError, ShapeError
from contract.phone import FEATURES, FeatureMatrix, PriceRange, Probabilities
from contract.quiet_onnxruntime import onnxruntime

INPUT = "phones"
OUTPUT = "probabilities"


class OnnxEngine:
    """onnxruntime on one thread: a row costs less than waking a second one, and workers share the cores."""

    name = "onnx"

    def __init__(self, bundle: Bundle) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = (
            4  # failures reach the caller as exceptions; the log would say them twice
        )
        try:
            self._session = onnxruntime.InferenceSession(
                bundle.graph,
                options,
                providers=["CPUExecutionProvider"],
                enable_fallback=0,  # it would print to standard output, and try the same once more
            )
        except Exception as error:  # noqa: BLE001 - onnxruntime's errors share no base below Exception
            raise EngineError(f"onnxruntime refuses model.onnx: {_first_line(error)}") from None
        self._check_shapes()

    def predict(self, features: FeatureMatrix) -> Probabilities:
        (probabilities,) = self._session.run([OUTPUT], {INPUT: features})
        return np.asarray(probabilities)

    def _check_shapes(self) -> None:
        found = {
            node.name: node.shape[1:] for node in [*self._session.get_inputs(), *self._session.get_outputs()]
        }
        expected = {INPUT: [len(FEATURES)], OUTPUT: [len(PriceRange)]}
        if found != expected:
            raise ShapeError(f"model.onnx: columns are {found}; expected {expected}")


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
