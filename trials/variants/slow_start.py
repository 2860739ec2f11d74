"""The service that takes 11 s to load its model."""

import time
from unittest.mock import patch

from service.__main__ import app
from service.predictor import Predictor, load_predictor
from service.settings import Settings


def _load_slowly(settings: Settings) -> Predictor:
    time.sleep(11)
    return load_predictor(settings)


with patch("service.commands.serve.load_predictor", _load_slowly):
    app()
