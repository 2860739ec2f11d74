"""Whole tables without any care: pyarrow reads, one engine call, pyarrow writes; no row is checked.

The body and the answer are held whole. What ours costs beyond this is what its rules, its messages, its
warnings and its bounded memory cost.
"""

import io

import numpy as np
import pyarrow as pa
from fastapi import FastAPI, Request, Response
from pyarrow import csv

from benchmarks.phones import current_bundle
from contract.phone import FEATURES, PriceRange
from contract.quiet_onnxruntime import onnxruntime as ort
from service.media_type import ARROW, CSV

pa.set_cpu_count(1)
options = ort.SessionOptions()
options.intra_op_num_threads = 1
session = ort.InferenceSession(current_bundle().graph, options, providers=["CPUExecutionProvider"])

app = FastAPI()


@app.get("/health")
async def health() -> dict[str, str]:
    """Say that it answers."""
    return {"status": "ok"}


@app.post("/predict/batch")
async def predict_batch(request: Request) -> Response:
    """Predict a CSV or an Arrow stream; answer in the same kind."""
    body = await request.body()
    sink = io.BytesIO()
    if request.headers["content-type"] == CSV:
        csv.write_csv(answers(csv.read_csv(io.BytesIO(body))), sink)
        return Response(sink.getvalue(), media_type=CSV)
    table = answers(pa.ipc.open_stream(body).read_all())
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return Response(sink.getvalue(), media_type=ARROW)


def answers(table: pa.Table) -> pa.Table:
    """Return each phone's price range and the probabilities of all four."""
    phones = np.column_stack([table.column(name).to_numpy() for name in FEATURES]).astype(np.float32)
    (probabilities,) = session.run(None, {session.get_inputs()[0].name: phones})
    columns = [probabilities.argmax(axis=1).astype(np.int8), *np.ascontiguousarray(probabilities.T)]
    names = ["price_range", *(f"probability_{item.name.lower()}" for item in PriceRange)]
    return pa.table([pa.array(column) for column in columns], names=names)
