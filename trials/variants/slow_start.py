"""The service that takes 11 s to load its model."""

import time
from unittest.mock import patch

import service.__main__
from service.predictor import Predictor, load_predictor
from service.settings import Settings


def _load_slowly(settings: Settings) -> Predictor:
    time.sleep(11)
    return load_predictor(settings)


with patch.object(service.__main__, "load_predictor", _load_slowly):
    service.__main__.app()
