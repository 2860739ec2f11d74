"""The files that a bundle must have, to write it once more."""

from contract.bundle import Bundle


def files_of(bundle: Bundle) -> dict[str, bytes]:
    return {
        "weights.safetensors": bundle.weights,
        "scaler.joblib": bundle.scaler,
        "model.onnx": bundle.graph,
        "population.safetensors": bundle.population.to_bytes(),
        "learnt_phones.digests": bundle.learnt_phones.to_bytes(),
        "report/MODEL_CARD.md": bundle.card,
    }
