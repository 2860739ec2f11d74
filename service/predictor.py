"""What the service exists for: specifications in, predictions out. Knows no HTTP."""

from collections.abc import Callable
from typing import TypeAlias, cast

import numpy as np

from contract.bundle import Bundle, check_golden_rows, current_version, read_version, signing_key
from contract.errors import EngineError, PhonePriceError
from contract.phone import FeatureMatrix, Probabilities, Specifications
from service.engine import Engine, load_engine
from service.prediction import Prediction, PredictionAnswer, Predictions
from service.settings import Settings
from service.verdict import Judge

Watch: TypeAlias = Callable[[Predictions], None]
"""Sees every prediction that is made."""


def _unwatched(_: Predictions) -> None:
    pass


class Predictor:
    """A bundle's model, loaded and proved; `watch` may be replaced by what is to see every prediction."""

    def __init__(self, bundle: Bundle, engine: Engine) -> None:
        self.bundle = bundle
        self.manifest = bundle.manifest
        self.engine = engine
        self.version = bundle.manifest.version
        self.judge = Judge(bundle.manifest, bundle.population)
        # probabilities are float32
        self._threshold = float(np.float32(bundle.manifest.calibration.threshold))
        self.watch: Watch = _unwatched

    def predict(self, specifications: Specifications) -> Predictions:
        """Predict (N, 20) phones, in order. Raises `EngineError` if a result is not a probability."""
        predictions = self.predict_unwatched(specifications)
        self.watch(predictions)
        return predictions

    def predict_unwatched(self, specifications: Specifications) -> Predictions:
        """Predict phones that are not to be counted, as those that an explanation needs."""
        probabilities = self.probabilities(_row_by_row(specifications))
        return Predictions(self.judge, self._threshold, specifications, probabilities)

    def probabilities(self, features: FeatureMatrix) -> Probabilities:
        """Compute (N, 20) -> (N, 4). Raises `EngineError` if a result is not a probability."""
        probabilities = self.engine.predict(features)
        if np.count_nonzero(np.isfinite(probabilities)) < probabilities.size:
            raise EngineError("the engine computed a probability that is not a finite number")
        return probabilities

    def signed(self, prediction: Prediction) -> PredictionAnswer:
        """Add to a prediction which model made it."""
        answer = cast(PredictionAnswer, prediction)
        answer["model_version"] = self.version
        return answer


def _row_by_row(specifications: Specifications) -> FeatureMatrix:
    """Return them as engines take them: float32, each phone's 20 together."""
    if specifications.flags.c_contiguous:
        return specifications.astype(np.float32, copy=False)
    rows = np.empty(specifications.shape, np.float32)
    for index, feature in enumerate(specifications.T):  # numpy's own way takes half as long again
        rows[:, index] = feature
    return rows


def load_predictor(settings: Settings, version: str | None = None) -> Predictor:
    """Read a version, else the one that CURRENT names, and build its engine.

    The golden rows are recomputed, which also warms it. Raises a `BundleError`, an `EngineError` or, for the
    key that it should be signed with, a `KeysError` when anything is off.
    """
    try:
        return _proved(settings, version or current_version(settings.artifacts))
    except PhonePriceError:
        raise
    except Exception as error:
        # a graph that breaks off, a folder that cannot be read: callers have another version to keep
        named, first_line = version or "what CURRENT names", str(error).partition("\n")[0]
        reason = f"{named} cannot be loaded: {type(error).__name__}: {first_line}"
        raise EngineError(reason) from error


def _proved(settings: Settings, version: str) -> Predictor:
    key = signing_key(settings.signing_key.get_secret_value())
    bundle = read_version(settings.artifacts, version, key)
    engine = load_engine(settings.engine, bundle)
    check_golden_rows(bundle.manifest.golden_rows, engine.predict)
    return Predictor(bundle, engine)
