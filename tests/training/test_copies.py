"""Copies of a phone are on one side of every split, told, and no copy is a phone of its own."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import RepeatedStratifiedKFold, StratifiedKFold, train_test_split

from contract.errors import DataError
from tests.conftest import TINY_RECIPE
from tests.training.test_command_line import run
from training.calibration import calibrate
from training.copies import Copies
from training.cross_validation import Fold, cross_validate
from training.dataset import Part, folds_by, read_dataset, set_apart, split
from training.fitting import Model, fit_model
from training.labels import LABEL
from training.made_up import make_sample
from training.recipe import Calibration, Recipe
from training.tuning import folds_of

DISTINCT, TIMES = 80, 5


def written(table: pd.DataFrame, folder: Path) -> Path:
    path = folder / "phones.csv"
    table.to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    """80 phones, five times over, shuffled."""
    copied = pd.concat([make_sample(rows=DISTINCT, seed=5)] * TIMES)
    return copied.sample(frac=1, random_state=3).reset_index(drop=True)


@pytest.fixture(scope="module")
def phones(table: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Part:
    return read_dataset(written(table, tmp_path_factory.mktemp("copies"))).phones


def known(part: Part) -> set[tuple[float, ...]]:
    return set(map(tuple, part.features.to_numpy().tolist()))


def check_apart(phones: Part, one: Part, other: Part) -> None:
    assert not known(one) & known(other), "a phone is on both sides"
    assert sorted([*one.labels.index, *other.labels.index]) == list(phones.labels.index)


@pytest.mark.parametrize("stratified", [True, False])
def test_copies_of_a_phone_stay_on_one_side_of_a_split(phones: Part, stratified: bool) -> None:
    for seed in range(5):
        learnt, apart = set_apart(phones, 0.2, seed, stratified)
        check_apart(phones, learnt, apart)
        assert len(apart) == 0.2 * len(phones)


def test_copies_of_a_phone_are_in_one_fold(phones: Part) -> None:
    for others, fold in folds_of(phones, 5, seed=1):
        check_apart(phones, others, fold)


def test_copies_of_a_phone_calibrate_no_model_that_has_learnt_it(tiny_recipe: Recipe, phones: Part) -> None:
    learnt: list[Part] = []

    def fit(others: Part) -> Model:
        learnt.append(others)
        return fit_model(tiny_recipe, others)

    assert calibrate(Calibration(folds=4), phones, fit).rows == len(phones)
    assert len(learnt) == 4
    for others in learnt:
        left_out = phones.rows(np.flatnonzero(~phones.labels.index.isin(others.labels.index)))
        check_apart(phones, others, left_out)


def test_copies_of_a_phone_are_measured_by_models_that_have_not_learnt_it(
    tiny_recipe: Recipe, phones: Part
) -> None:
    measured: list[tuple[Part, Part]] = []

    def in_order(call: object, calls: Iterator[tuple[Recipe, Part, Part]]) -> Iterator[Fold]:
        for recipe, others, fold in calls:
            measured.append((others, fold))
            yield call(recipe, others, fold)  # type: ignore[operator]

    cross_validate(tiny_recipe, phones, 4, 2, 0, lambda _: None, in_order)  # type: ignore[arg-type]
    assert len(measured) == 8
    for others, fold in measured:
        check_apart(phones, others, fold)


@pytest.mark.parametrize("name", ["sample_table", "real_table"])
def test_a_table_without_copies_is_split_as_scikit_learn_splits_it(
    name: str, request: pytest.FixtureRequest
) -> None:
    phones = read_dataset(request.getfixturevalue(name)).phones
    assert phones.copies == Copies(len(phones), 0, 0)
    choices = Recipe.load("best").split
    learnt, held_out = split(phones, choices)
    expected = train_test_split(
        np.arange(len(phones)),
        test_size=choices.held_out,
        random_state=choices.random_state,
        stratify=phones.labels,
    )
    for part, positions in zip((learnt, held_out), expected, strict=True):
        assert part.labels.index.tolist() == positions.tolist()
    for splitter in (
        StratifiedKFold(5, shuffle=True, random_state=0),
        RepeatedStratifiedKFold(n_splits=4, n_repeats=2, random_state=1),
    ):
        for ours, theirs in zip(
            folds_by(splitter, learnt), splitter.split(learnt.features, learnt.labels), strict=True
        ):
            assert [side.tolist() for side in ours] == [side.tolist() for side in theirs]


def test_copies_and_contradictions_among_them_are_counted(table: pd.DataFrame, tmp_path: Path) -> None:
    changed = table.copy()
    last = table[table.duplicated() & ~table.duplicated(keep="last")].index[:3]
    changed.loc[last, LABEL] = (changed.loc[last, LABEL] + 1) % 4
    assert read_dataset(written(changed, tmp_path)).phones.copies == Copies(400, 320, 3)


def test_a_copy_that_contradicts_stays_with_its_phone(table: pd.DataFrame, tmp_path: Path) -> None:
    contradicting = table.assign(price_range=np.where(table.duplicated(), 0, table[LABEL]))
    phones = read_dataset(written(contradicting, tmp_path)).phones
    check_apart(phones, *set_apart(phones, 0.2, 0, stratified=True))


def test_copies_make_no_few_phones_many(tmp_path: Path) -> None:
    few = pd.concat([make_sample(rows=20, seed=1)] * 10)
    with pytest.raises(
        DataError, match=r"too few phones: 5 with price_range 0 \(low\), copies counted once; at least 10"
    ):
        read_dataset(written(few, tmp_path))


def test_train_tells_copies_in_a_line(table: pd.DataFrame, tmp_path: Path) -> None:
    (tmp_path / "tiny.toml").write_text(TINY_RECIPE)
    data = written(table, tmp_path)
    done = run("train", "--data", data, "--recipe", tmp_path / "tiny.toml", "--out", tmp_path / "artifacts")
    assert done.returncode == 0, done.stderr
    assert "\n320 of 400 rows are copies of others (same 20 specifications)" in done.stdout
    assert "another price range" not in done.stdout
