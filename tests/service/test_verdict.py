"""Warnings tell how a phone is unlike those that the model was trained on, and nothing else."""

from collections.abc import Mapping
from pathlib import Path

import httpx
import numpy as np
import pandas as pd
import pytest

from contract.bundle import read_current
from contract.phone import EXAMPLE, FEATURES, Phone, to_specifications
from service.verdict import InputWarning, Judge
from tests.running_service import ARTIFACTS

BUNDLE = read_current(ARTIFACTS)
JUDGE = Judge(BUNDLE.manifest, BUNDLE.population)


def warnings_of(change: Mapping[str, float], judge: Judge = JUDGE) -> list[InputWarning]:
    phones = to_specifications([Phone(**{**EXAMPLE, **change})])
    return [judge.warning(kind, phones[0]) for kind in np.flatnonzero(judge.warned(phones)[:, 0]).tolist()]


def test_an_ordinary_phone_is_warned_of_nothing() -> None:
    assert warnings_of({}) == []


@pytest.mark.parametrize(
    ("change", "feature", "bound"),
    [
        ({"fc": 13}, "fc", 12),
        ({"four_g": 1, "three_g": 0}, "four_g", 0),
        ({"sc_w": 14}, "sc_w", 13),
        ({"px_height": 1_281}, "px_height", 1_280),
    ],
)
def test_a_broken_regularity_is_named_with_what_it_should_not_exceed(
    change: dict[str, float], feature: str, bound: float
) -> None:
    (warning,) = [each for each in warnings_of(change) if each["kind"] == "broken_regularity"]
    assert (warning["feature"], warning["value"], warning["high"]) == (feature, change[feature], bound)
    assert f"{feature} is {change[feature]:g} and " in warning["message"]


def test_a_phone_unlike_any_is_told_so_with_its_tail_probability() -> None:
    """Each of its specifications is in the trained range, and no regularity is broken."""
    odd = {
        "battery_power": 501,
        "clock_speed": 3,
        "fc": 18,
        "pc": 18,
        "int_memory": 64,
        "m_dep": 1,
        "n_cores": 8,
    }
    odd |= {
        "mobile_wt": 80,
        "px_height": 5,
        "px_width": 1_990,
        "ram": 3_990,
        "sc_h": 19,
        "sc_w": 0,
        "talk_time": 2,
    }
    odd |= {"three_g": 0, "four_g": 0, "touch_screen": 0, "wifi": 0, "blue": 0}
    (warning,) = warnings_of(odd)
    assert warning["kind"] == "unlike"
    assert warning["feature"] is None
    assert warning["value"] > warning["high"] == BUNDLE.population.farthest
    assert warning["tail_probability"] < 0.001
    assert "as a whole" in warning["message"]


def test_todays_phone_is_both_out_of_range_and_unlike() -> None:
    assert [each["kind"] for each in warnings_of({"ram": 8_192})] == ["out_of_range", "unlike"]


def test_a_model_whose_data_had_no_regularities_warns_of_none() -> None:
    judge = Judge(BUNDLE.manifest.model_copy(update={"regularities": []}), BUNDLE.population)
    assert judge.kinds == (*FEATURES, "unlike")
    assert warnings_of({"fc": 13}, judge) == []


def test_of_the_real_phones_hardly_any_is_warned_of(unlabelled_table: Path) -> None:
    phones = pd.read_csv(unlabelled_table)[list(FEATURES)].to_numpy(np.float64)
    warned = dict(zip(JUDGE.kinds, np.count_nonzero(JUDGE.warned(phones), axis=1).tolist(), strict=True))
    assert sum(warned[kind] for kind in JUDGE.kinds if ">" in kind) == 0
    assert warned["unlike"] <= 5


def test_every_path_of_an_answer_warns_of_the_same(service: httpx.Client) -> None:
    phone = EXAMPLE | {"ram": 8_192, "fc": 13}
    expected = [
        (each["kind"], each["feature"]) for each in service.post("/predict", json=phone).json()["warnings"]
    ]
    assert expected == [("out_of_range", "ram"), ("broken_regularity", "fc"), ("unlike", None)]
    plain = service.post("/predict", json=phone, headers={"X-Request-Timeout": "10000"}).json()
    (of_batch,) = service.post("/predict/batch", json={"phones": [phone]}).json()["predictions"]
    explained = service.post("/explain", json=phone).json()["prediction"]
    for answer in (plain, of_batch, explained):
        assert [(each["kind"], each["feature"]) for each in answer["warnings"]] == expected
    table = f"{','.join(phone)}\n{','.join(map(str, phone.values()))}\n"
    headers = {"Content-Type": "text/csv", "Accept": "text/csv"}
    lines = service.post("/predict/batch", content=table, headers=headers).text.splitlines()
    assert dict(zip(lines[0].split(","), lines[1].split(","), strict=True))["warnings"] == "ram fc>pc unlike"
