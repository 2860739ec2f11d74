"""The service that, after a reload, answers with the old engine in the new version's name."""

from unittest.mock import patch

import service.lifecycle.reload
from contract.bundle import current_version
from service.__main__ import app
from service.engine import Engine
from service.predictor import Predictor, load_predictor
from service.settings import Settings
from trials.service import ARTIFACTS

_engines: list[Engine] = []


def _load_and_mix_up(settings: Settings, version: str | None = None) -> Predictor:
    loaded = load_predictor(settings, version)
    _engines.append(load_predictor(settings, current_version(ARTIFACTS)).engine)
    return Predictor(loaded.bundle, _engines[0])


with patch.object(service.lifecycle.reload, "load_predictor", _load_and_mix_up):
    app()
