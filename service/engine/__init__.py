"""Engines: what computes. One shape, (N, 20) float32 raw specifications -> (N, 4) float32 probabilities."""

from typing import Literal, Protocol, TypeAlias

from contract.bundle import Bundle
from contract.phone import FeatureMatrix, Probabilities

EngineName: TypeAlias = Literal["onnx", "torch"]


class Engine(Protocol):
    """A loaded model."""

    name: str

    def predict(self, features: FeatureMatrix) -> Probabilities:
        """Compute (N, 4) probabilities from (N, 20) raw specifications, any N from 1."""
        ...


def load_engine(name: EngineName, bundle: Bundle) -> Engine:
    """Build the named engine. Raises `EngineError`."""
    # imported where it is chosen: torch takes a second and 200 MiB that the default engine does not need
    if name == "torch":
        from service.engine.torch import TorchEngine

        return TorchEngine(bundle)
    from service.engine.onnx import OnnxEngine

    return OnnxEngine(bundle)
