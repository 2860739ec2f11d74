"""The service that forgets the label of a price range."""

from typing import Any, cast
from unittest.mock import patch

from service.__main__ import app
from service.prediction import Prediction, PredictionAnswer
from service.predictor import Predictor

_signed = Predictor.signed


def _without_label(self: Predictor, prediction: Prediction) -> PredictionAnswer:
    answer: Any = _signed(self, prediction)
    del answer["label"]
    return cast(PredictionAnswer, answer)


with patch.object(Predictor, "signed", _without_label):
    app()
