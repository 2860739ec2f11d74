"""Rows that wait in the same turn of the event loop go to the engine in one call.

No timer: whoever asks alone is answered in the next turn. Under load a turn brings many rows, and one call
for all of them costs little more than a call for one.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeAlias

from service.prediction import PredictionAnswer
from service.predictor import Predictor
from service.valid_phone import pack, to_rows

MOST_ROWS = 256
"""Rows of one engine call: under a tenth of a millisecond of computing, then others get their turn."""

Waiting: TypeAlias = tuple[bytes, asyncio.Future[PredictionAnswer]]


class TurnBatcher:
    """Gives each caller the prediction of its own row.

    `predictor` may be replaced at any time: a batch is computed whole by the one it finds. `watch` sees the
    number of rows of each call.
    """

    def __init__(self, predictor: Predictor, watch: Callable[[int], None]) -> None:
        self.predictor = predictor
        self._watch = watch
        self._loop = asyncio.get_running_loop()
        self._waiting: list[Waiting] = []

    def predict(self, specifications: Sequence[float]) -> asyncio.Future[PredictionAnswer]:
        """Return what will hold the prediction of one phone's 20 specifications, or the engine's error."""
        if not self._waiting:
            self._loop.call_soon(self._compute)
        prediction: asyncio.Future[PredictionAnswer] = self._loop.create_future()
        self._waiting.append((pack(*specifications), prediction))
        return prediction

    def waiting(self) -> int:
        """Return how many rows wait for their turn."""
        return len(self._waiting)

    def _compute(self) -> None:
        batch, self._waiting = self._waiting[:MOST_ROWS], self._waiting[MOST_ROWS:]
        if self._waiting:
            self._loop.call_soon(self._compute)
        self._watch(len(batch))
        predictor = self.predictor
        try:
            answers = predictor.predict(to_rows([row for row, _ in batch])).answers()
            answered = list(zip(batch, answers, strict=True))  # of too few or too many, whose is which?
        except Exception as error:  # noqa: BLE001 - whatever the engine raises, nobody is left waiting
            _tell(batch, error)
            return
        for (_, prediction), answer in answered:
            if not prediction.done():  # its client may have gone
                prediction.set_result(predictor.signed(answer))


def _tell(batch: list[Waiting], error: Exception) -> None:
    # a future refuses to hold StopIteration
    failure = RuntimeError(repr(error)) if isinstance(error, StopIteration) else error
    for _, prediction in batch:
        if not prediction.done():
            prediction.set_exception(failure)
