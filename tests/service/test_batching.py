"""Those who ask in one turn of the event loop share an engine call, and nothing else."""

import asyncio
import json
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from contract.bundle import read_current
from contract.errors import EngineError
from contract.phone import EXAMPLE, FEATURES, SPECIFICATIONS, FeatureMatrix, Probabilities
from service.app import create_app
from service.batching import MOST_ROWS, TurnBatcher
from service.engine import Engine
from service.prediction import Prediction, PredictionAnswer
from service.predictor import Predictor, load_predictor
from service.settings import Settings
from tests.asgi import Answer, Request, answer
from tests.running_service import ARTIFACTS

Result = TypeVar("Result")
Phone: TypeAlias = tuple[float, ...]
"""The 20 specifications, in the order of `FEATURES`."""

EXAMPLE_PHONE: Phone = tuple(EXAMPLE.values())
RAM = FEATURES.index("ram")
MANY = 2 * MOST_ROWS + 3


class WatchedEngine:
    """A real engine that notes the rows of each call, after `first` has had a look at them."""

    def __init__(self, engine: Engine) -> None:
        self.name = engine.name
        self.calls: list[int] = []
        self.first: Callable[[FeatureMatrix], object] = len
        self._engine = engine

    def predict(self, features: FeatureMatrix) -> Probabilities:
        self.calls.append(len(features))
        self.first(features)
        return self._engine.predict(features)


class Served:
    """A bundle's model on an engine that is watched."""

    def __init__(self, loaded: Predictor) -> None:
        self.alone = loaded
        self.engine = WatchedEngine(loaded.engine)
        self.predictor = Predictor(loaded.bundle, self.engine)

    def batcher(self) -> TurnBatcher:
        return TurnBatcher(self.predictor, watch=lambda _: None)

    def check(self, phones: Sequence[Phone], answers: Sequence[PredictionAnswer]) -> None:
        """Check that each phone has got the answer that it gets alone."""
        for phone, found in zip(phones, answers, strict=True):
            (alone,) = self.alone.predict(np.array([phone])).answers()
            assert found["model_version"] == self.alone.version
            check_alike(found, alone)


def check_alike(prediction: Prediction, other: Prediction) -> None:
    for number in ("probabilities", "confidence", "expected_range"):
        assert prediction[number] == pytest.approx(other[number], abs=1e-6)
    for rest in ("price_range", "label", "prediction_set", "warnings"):
        assert prediction[rest] == other[rest]


@pytest.fixture(scope="module")
def loaded() -> Predictor:
    return load_predictor(Settings(artifacts=ARTIFACTS))


@pytest.fixture
def served(loaded: Predictor) -> Served:
    return Served(loaded)


def told(story: Coroutine[Any, Any, Result]) -> Result:
    """Run a story that must end, and in which nothing may go wrong unheard."""
    return asyncio.run(_told(story))


async def _told(story: Coroutine[Any, Any, Result]) -> Result:
    unheard: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: unheard.append(context))
    async with asyncio.timeout(10):
        result = await story
    assert not unheard
    return result


async def all_of(batcher: TurnBatcher, phones: Sequence[Phone]) -> list[PredictionAnswer]:
    return await asyncio.gather(*(batcher.predict(phone) for phone in phones))


async def outcomes_of(
    batcher: TurnBatcher, phones: Sequence[Phone]
) -> list[PredictionAnswer | BaseException]:
    return await asyncio.gather(*(batcher.predict(phone) for phone in phones), return_exceptions=True)


def made_up(rows: int, seed: int) -> list[Phone]:
    """Phones of the trained ranges and a little beyond; no two have the same memory."""
    trained = read_current(ARTIFACTS).manifest.features
    random = np.random.default_rng(seed)
    low, high = ([getattr(each, bound) for each in trained] for bound in ("low", "high"))
    phones = random.uniform(low, np.multiply(high, 1.1), (rows, len(FEATURES)))
    phones = np.where([spec.whole for spec in SPECIFICATIONS.values()], phones.round(), phones.round(1))
    phones[:, RAM] = random.choice(np.arange(200, 4200), rows, replace=False)
    return [tuple(phone) for phone in phones.tolist()]


@given(rows=st.integers(1, 24) | st.integers(1, MANY), seed=st.integers(0, 2**32))
@settings(max_examples=40, derandomize=True, deadline=None, phases=[Phase.generate])  # no hang is shrunk
def test_each_of_many_callers_gets_what_it_would_get_alone(loaded: Predictor, rows: int, seed: int) -> None:
    served = Served(loaded)
    phones = made_up(rows, seed)

    async def story() -> list[PredictionAnswer]:
        return await all_of(served.batcher(), phones)

    served.check(phones, told(story()))
    assert sum(served.engine.calls) == rows


# turns


def test_who_asks_alone_is_answered_in_the_next_turn(served: Served) -> None:
    async def story() -> PredictionAnswer:
        prediction = served.batcher().predict(EXAMPLE_PHONE)
        assert not prediction.done()
        await asyncio.sleep(0)
        assert prediction.done(), "it waits for company"
        return prediction.result()

    served.check([EXAMPLE_PHONE], [told(story())])
    assert served.engine.calls == [1]


def test_those_of_one_turn_share_one_engine_call_whichever_task_they_ask_from(served: Served) -> None:
    phones = made_up(7, seed=1)

    async def story() -> list[PredictionAnswer]:
        batcher = served.batcher()

        async def ask(phone: Phone) -> PredictionAnswer:
            return await batcher.predict(phone)

        return await asyncio.gather(*map(ask, phones))

    served.check(phones, told(story()))
    assert served.engine.calls == [7]


def test_those_of_different_turns_do_not_wait_for_each_other(served: Served) -> None:
    async def story() -> None:
        batcher = served.batcher()
        for rows in (3, 1, 2):
            predictions = [batcher.predict(EXAMPLE_PHONE) for _ in range(rows)]
            await asyncio.sleep(0)
            assert all(prediction.done() for prediction in predictions)

    told(story())
    assert served.engine.calls == [3, 1, 2]


def test_a_call_has_a_most_of_rows_and_others_get_their_turn_between_two(served: Served) -> None:
    phones = made_up(MANY, seed=2)

    async def story() -> list[PredictionAnswer]:
        predictions = list(map(served.batcher().predict, phones))
        await asyncio.sleep(0)
        assert [prediction.done() for prediction in predictions] == [True] * MOST_ROWS + [False] * (
            MANY - MOST_ROWS
        )
        return await asyncio.gather(*predictions)

    served.check(phones, told(story()))
    assert served.engine.calls == [MOST_ROWS, MOST_ROWS, 3]


def test_who_asks_between_two_calls_joins_the_second(served: Served) -> None:
    early, late = made_up(MOST_ROWS + 2, seed=3), made_up(5, seed=4)

    async def story() -> list[PredictionAnswer]:
        batcher = served.batcher()
        first = list(map(batcher.predict, early))
        await asyncio.sleep(0)
        return await asyncio.gather(*first, *map(batcher.predict, late))

    served.check(early + late, told(story()))
    assert served.engine.calls == [MOST_ROWS, 7]


def test_the_rows_of_each_call_are_watched(served: Served) -> None:
    watched: list[int] = []

    async def story() -> None:
        await all_of(TurnBatcher(served.predictor, watched.append), made_up(MANY, seed=5))

    told(story())
    assert watched == served.engine.calls


# clients that leave


def test_a_client_that_leaves_harms_no_other(served: Served) -> None:
    phones = made_up(9, seed=6)

    async def story() -> list[PredictionAnswer | BaseException]:
        batcher = served.batcher()

        async def ask(phone: Phone) -> PredictionAnswer:
            return await batcher.predict(phone)

        clients = [asyncio.create_task(ask(phone)) for phone in phones]
        await asyncio.sleep(0)  # all have asked, none is answered
        for client in clients[::4]:
            client.cancel()
        return await asyncio.gather(*clients, return_exceptions=True)

    answers = told(story())
    left = [isinstance(answer, asyncio.CancelledError) for answer in answers]
    assert left == [True, False, False, False] * 2 + [True]
    stayed = [
        (phone, answer) for phone, answer in zip(phones, answers, strict=True) if isinstance(answer, dict)
    ]
    served.check(*zip(*stayed, strict=True))


@pytest.mark.parametrize("failing", [False, True])
def test_the_service_outlives_clients_that_all_leave(served: Served, failing: bool) -> None:
    async def story() -> list[PredictionAnswer]:
        batcher = served.batcher()
        for prediction in [batcher.predict(EXAMPLE_PHONE) for _ in range(3)]:
            prediction.cancel()
        served.engine.first = raising(EngineError("failed")) if failing else len
        await asyncio.sleep(0)
        served.engine.first = len
        return await all_of(batcher, [EXAMPLE_PHONE])

    served.check([EXAMPLE_PHONE], told(story()))


# failures


def raising(error: Exception) -> Callable[[FeatureMatrix], None]:
    def fail(_: FeatureMatrix) -> None:
        raise error

    return fail


@pytest.mark.parametrize(
    "error",
    [EngineError("no"), ValueError("no"), MemoryError("no"), StopIteration("no"), TimeoutError("no")],
    ids=repr,
)
def test_an_engines_error_reaches_everybody_who_waits(served: Served, error: Exception) -> None:
    served.engine.first = raising(error)
    phones = made_up(MANY, seed=7)

    async def story() -> None:
        batcher = served.batcher()
        outcomes = await outcomes_of(batcher, phones)
        assert all(isinstance(outcome, Exception) and "no" in str(outcome) for outcome in outcomes)
        served.engine.first = len
        served.check(phones, await all_of(batcher, phones))

    told(story())


def test_one_call_that_fails_takes_no_other_with_it(served: Served) -> None:
    served.engine.first = lambda features: (
        raising(EngineError("no"))(features) if len(features) == 3 else None
    )
    phones = made_up(MANY, seed=8)

    async def story() -> list[PredictionAnswer | BaseException]:
        return await outcomes_of(served.batcher(), phones)

    outcomes = told(story())
    assert all(isinstance(outcome, EngineError) for outcome in outcomes[-3:])
    served.check(phones[:-3], [outcome for outcome in outcomes[:-3] if isinstance(outcome, dict)])


@pytest.mark.parametrize("rows", [0, 1, 4, 6])
def test_an_engine_that_loses_or_adds_rows_answers_nobody(loaded: Predictor, rows: int) -> None:
    """Whose the others are nobody knows."""

    class Careless:
        name = "careless"

        def predict(self, features: FeatureMatrix) -> Probabilities:
            return loaded.engine.predict(np.resize(features, (rows, len(FEATURES))))

    async def story() -> list[PredictionAnswer | BaseException]:
        return await outcomes_of(Served(Predictor(loaded.bundle, Careless())).batcher(), made_up(5, seed=9))

    assert all(isinstance(outcome, Exception) for outcome in told(story()))


# another model


def test_a_model_swapped_between_two_calls_answers_the_second_alone(
    served: Served, tiny_artifacts: Path
) -> None:
    other = Served(load_predictor(Settings(artifacts=tiny_artifacts)))
    phones = made_up(MANY, seed=10)

    async def story() -> list[PredictionAnswer]:
        batcher = served.batcher()
        predictions = list(map(batcher.predict, phones))
        await asyncio.sleep(0)
        batcher.predictor = other.predictor
        return await asyncio.gather(*predictions)

    answers = told(story())
    served.check(phones[:MOST_ROWS], answers[:MOST_ROWS])
    other.check(phones[MOST_ROWS:], answers[MOST_ROWS:])


def test_a_model_swapped_during_a_call_answers_none_of_it(served: Served, tiny_artifacts: Path) -> None:
    """Another thread may do so."""
    other = Served(load_predictor(Settings(artifacts=tiny_artifacts)))
    phones = made_up(20, seed=11)

    async def story() -> list[PredictionAnswer]:
        batcher = served.batcher()

        def swap(_: FeatureMatrix) -> None:
            batcher.predictor = other.predictor

        served.engine.first = swap
        answers = await all_of(batcher, phones)
        other.check(phones, await all_of(batcher, phones))
        return answers

    served.check(phones, told(story()))


# through the app


async def answers_of(served: Served, requests: Sequence[Request]) -> list[Answer]:
    """What the whole app in this process answers, with the watched model, to requests of one turn."""
    app = create_app(Settings(artifacts=ARTIFACTS, access_log=False))
    async with app.router.lifespan_context(app) as state:
        assert state is not None
        state["batcher"].predictor = served.predictor
        return await asyncio.gather(*(answer(app, request, state) for request in requests))


def posted(phones: Sequence[Phone]) -> list[Request]:
    return [Request((json.dumps(dict(zip(FEATURES, phone, strict=True))).encode(),)) for phone in phones]


def read(answers: Sequence[Answer]) -> list[PredictionAnswer]:
    assert {each.status for each in answers} == {200}
    return [json.loads(each.body) for each in answers]


def test_requests_of_one_turn_share_an_engine_call_and_get_their_own_answers(served: Served) -> None:
    phones = made_up(60, seed=12)
    served.check(phones, read(told(answers_of(served, posted(phones)))))
    assert served.engine.calls == [60]


def test_an_engine_that_fails_is_the_plain_paths_500_for_everybody(served: Served) -> None:
    served.engine.first = raising(EngineError("/secret/path"))
    by_the_plain_path = Request(headers=((b"content-type", b"Application/JSON"),))
    plain, *fast = told(answers_of(served, [by_the_plain_path, *posted(made_up(60, seed=13))]))
    assert plain.status == 500
    assert b"secret" not in plain.body
    assert fast == [plain] * 60
    assert sorted(served.engine.calls) == [1] * 61 + [60], "asked by all together, and then by each alone"


def test_an_engine_that_recovers_answers_again(served: Served) -> None:
    """Already those who met the failure, when they ask for the second time by themselves."""
    phones = made_up(60, seed=14)

    def fail_once(_: FeatureMatrix) -> None:
        served.engine.first = len
        raise EngineError("no")

    served.engine.first = fail_once
    served.check(phones, read(told(answers_of(served, posted(phones)))))


def test_a_phone_that_breaks_the_engine_breaks_only_its_own_request(served: Served) -> None:
    phones = made_up(20, seed=15)

    def choke(features: FeatureMatrix) -> None:
        if phones[7][RAM] in features[:, RAM]:
            raise EngineError("no")

    served.engine.first = choke
    answers = told(answers_of(served, posted(phones)))
    assert answers.pop(7).status == 500
    served.check(phones[:7] + phones[8:], read(answers))
