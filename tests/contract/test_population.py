"""population.safetensors: what comes back is what was written, and distances are Mahalanobis'."""

from dataclasses import asdict, replace

import numpy as np
import pytest
from safetensors.numpy import save
from scipy.spatial.distance import mahalanobis

from contract import errors
from contract.bundle import BACKGROUND_PHONES, DISTANCES, Population
from contract.phone import FEATURES

COUNT = len(FEATURES)
RANDOM = np.random.default_rng(4)
SPREAD = RANDOM.normal(size=(COUNT, COUNT))
COVARIANCE = SPREAD @ SPREAD.T + np.eye(COUNT)


@pytest.fixture
def population() -> Population:
    whitening = np.linalg.cholesky(np.linalg.inv(COVARIANCE))
    return Population(
        background=RANDOM.normal(size=(BACKGROUND_PHONES, COUNT)).astype(np.float32),
        mean=RANDOM.normal(size=COUNT).astype(np.float32),
        whitening=whitening.astype(np.float32),
        distances=np.linspace(2, 12, DISTANCES, dtype=np.float32),
    )


def test_what_is_read_is_what_was_written(population: Population) -> None:
    found = Population.read(population.to_bytes())
    for name, tensor in asdict(population).items():
        np.testing.assert_array_equal(getattr(found, name), tensor)


def test_it_is_so_for_arrays_that_pandas_and_lapack_make(population: Population) -> None:
    """Their columns lie together in memory; safetensors once wrote them as if it were the rows."""
    by_column = replace(
        population,
        background=np.asfortranarray(population.background),
        whitening=np.asfortranarray(population.whitening),
    )
    assert by_column.to_bytes() == population.to_bytes()


def test_distances_are_those_of_mahalanobis(population: Population) -> None:
    phones = RANDOM.normal(size=(5, COUNT)).astype(np.float32)
    expected = [mahalanobis(phone, population.mean, np.linalg.inv(COVARIANCE)) for phone in phones]
    assert population.distance(phones) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(("distance", "share"), [(0, 1), (2, 1), (7, 0.5), (11.99, 0.001), (12, 0), (99, 0)])
def test_the_tail_probability_is_the_share_that_lies_farther_out(
    population: Population, distance: float, share: float
) -> None:
    assert population.tail_probability(distance) == pytest.approx(share, abs=1e-6)


def test_one_in_a_thousand_lies_beyond_the_farthest(population: Population) -> None:
    assert population.farthest == pytest.approx(11.99)
    assert population.tail_probability(population.farthest) == pytest.approx(0.001, abs=1e-6)


@pytest.mark.parametrize("name", ["background", "mean", "whitening", "distances"])
def test_a_tensor_of_another_shape_or_none_is_refused(population: Population, name: str) -> None:
    tensors = asdict(population)
    for wrong in ({name: tensors[name][1:].copy()}, {name: tensors[name].astype(np.float64)}):
        with pytest.raises(errors.ShapeError, match=rf"population\.safetensors: {name}"):
            Population.read(save({**tensors, **wrong}))
    del tensors[name]
    with pytest.raises(errors.ShapeError, match=rf"population\.safetensors: {name}"):
        Population.read(save(tensors))


@pytest.mark.parametrize(("name", "value"), [("whitening", 1e30), ("background", 1e30)])
def test_distances_that_are_infinite_are_refused(population: Population, name: str, value: float) -> None:
    getattr(population, name)[2] = value
    with pytest.raises(errors.PopulationError, match="infinitely far"), np.errstate(over="ignore"):
        Population.read(population.to_bytes())


@pytest.mark.parametrize(("at", "value"), [(500, 11), (0, -1)])
def test_distances_that_fall_or_are_below_nothing_are_refused(
    population: Population, at: int, value: float
) -> None:
    population.distances[at] = value
    with pytest.raises(errors.PopulationError, match="below nothing, or fall"):
        Population.read(population.to_bytes())


def test_a_tensor_that_is_not_finite_is_refused(population: Population) -> None:
    population.mean[3] = np.nan
    with pytest.raises(errors.NonFiniteError, match=r"population\.safetensors: mean"):
        Population.read(population.to_bytes())
