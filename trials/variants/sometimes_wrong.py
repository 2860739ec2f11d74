"""The service that mixes up the phones of one turn in ten."""

from itertools import count
from unittest.mock import patch

from contract.phone import Specifications
from service.__main__ import app
from service.prediction import Predictions
from service.predictor import Predictor

_predict = Predictor.predict
_turns = count(1)


def _mixed_up(self: Predictor, specifications: Specifications) -> Predictions:
    return _predict(self, specifications[:, ::-1] if next(_turns) % 10 == 0 else specifications)


with patch.object(Predictor, "predict", _mixed_up):
    app()
