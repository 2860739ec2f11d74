"""The reference engine: torch on the safetensors weights, behind the fitted StandardScaler."""

import io

from contract.bundle import Bundle
from contract.errors import EngineError, FeatureError
from contract.phone import FEATURES, FeatureMatrix, Probabilities

try:
    import joblib
    import torch
    from safetensors.torch import load
    from sklearn.preprocessing import StandardScaler

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
        self._scaler = _open_scaler(bundle.scaler)

    def predict(self, features: FeatureMatrix) -> Probabilities:
        return predict_probabilities(self._network, self._scaler, features)


def _open_scaler(content: bytes) -> StandardScaler:
    """Unpickle the scaler, which can run any code: the reader has compared its hash before it got here."""
    try:
        scaler = joblib.load(io.BytesIO(content))
    except Exception as error:  # noqa: BLE001 - unpickling fails in as many ways as there are classes
        raise EngineError(f"scaler.joblib cannot be opened: {type(error).__name__}") from None
    if not isinstance(scaler, StandardScaler):
        raise EngineError(f"scaler.joblib holds a {type(scaler).__name__}, not a StandardScaler")
    if tuple(getattr(scaler, "feature_names_in_", ())) != FEATURES:
        raise FeatureError("scaler.joblib was fitted on other features, or on these in another order")
    return scaler
