"""The reference engine: torch on the safetensors weights, behind the fitted StandardScaler."""

import io

from contract.bundle import Bundle
from contract.errors import EngineError
from contract.phone import FeatureMatrix, Probabilities

try:
    import joblib
    import torch
    from safetensors.torch import load

    from contract.network import PhonePriceNetwork, predict_probabilities
except ModuleNotFoundError as missing:
    raise EngineError(
        f"the torch engine needs {missing.name}: install the training extra, pip install '.[training]'"
    ) from None


class TorchEngine:
    """The network as it was trained, by the same forward path as training."""

    name = "torch"

    def __init__(self, bundle: Bundle) -> None:
        torch.set_num_threads(1)
        self._network = PhonePriceNetwork(bundle.manifest.architecture)
        self._network.load_state_dict(load(bundle.weights))
        # a pickle runs code when opened: the reader has compared its hash before it got here
        self._scaler = joblib.load(io.BytesIO(bundle.scaler))

    def predict(self, features: FeatureMatrix) -> Probabilities:
        return predict_probabilities(self._network, self._scaler, features)
