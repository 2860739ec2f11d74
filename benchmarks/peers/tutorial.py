"""The service as tutorials have it: FastAPI, a pandas frame per request, the scaler, torch, softmax.

The handler is async, which is the faster of the two ways that tutorials have: no thread is woken per request.
"""

import io

import joblib
import pandas as pd
import torch
from fastapi import FastAPI, Request, Response
from safetensors.torch import load

from benchmarks.phones import current_bundle
from contract.network import PhonePriceNetwork
from contract.phone import Phone

bundle = current_bundle()
scaler = joblib.load(io.BytesIO(bundle.scaler))
network = PhonePriceNetwork(bundle.manifest.architecture)
network.load_state_dict(load(bundle.weights))
network.eval()

app = FastAPI()


@app.get("/health")
async def health() -> dict[str, str]:
    """Say that it answers."""
    return {"status": "ok"}


@app.post("/predict")
async def predict(phone: Phone) -> dict[str, int | list[float]]:
    """Predict one phone."""
    (probabilities,) = probabilities_of(pd.DataFrame([phone.model_dump()]))
    return {"price_range": int(probabilities.argmax()), "probabilities": probabilities.tolist()}


@app.post("/predict/batch")
async def predict_batch(request: Request) -> Response:
    """Predict a CSV of phones, without a look at what its cells hold."""
    frame = pd.read_csv(io.BytesIO(await request.body()))
    probabilities = probabilities_of(frame)
    frame = pd.DataFrame(probabilities.numpy()).assign(price_range=probabilities.argmax(dim=1).numpy())
    return Response(frame.to_csv(index=False), media_type="text/csv")


def probabilities_of(frame: pd.DataFrame) -> torch.Tensor:
    """Scale and predict."""
    features = torch.tensor(scaler.transform(frame), dtype=torch.float32)
    with torch.no_grad():
        return torch.softmax(network(features), dim=1)
