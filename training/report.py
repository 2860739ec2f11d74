"""The bundle's report: pictures, the model card and the history, for people; the service loads none of it."""

import json
from collections.abc import Mapping

from contract.bundle import Manifest
from training.dataset import Part
from training.fitting import CalibratedModel


def make_report(manifest: Manifest, model: CalibratedModel, held_out: Part) -> Mapping[str, bytes]:
    """Return the report's files by path; `held_out` are the phones of `manifest.metrics`."""
    history = [epoch._asdict() for epoch in model.history]
    return {"report/history.json": json.dumps(history, indent=1).encode() + b"\n"}
