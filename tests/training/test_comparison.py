import struct
from pathlib import Path

import pytest

from training.comparison import Contender, contend, ranked
from training.comparison_report import draw_ladder, to_markdown
from training.dataset import read_dataset, split
from training.fitting import fit_calibrated
from training.recipe import Recipe


def contender(recipe: str, accuracy: float, log_loss: float) -> Contender:
    return Contender(
        recipe=recipe,
        description=f"What {recipe} is.",
        network="20-8-4",
        parameters=1204,
        rows=400,
        accuracy=accuracy,
        log_loss=log_loss,
        ece=0.0123,
        seconds=4.56,
    )


LADDER = [contender("first", 0.64, 0.9), contender("second", 0.91, 0.3), contender("third", 0.91, 0.2)]


def test_a_recipe_is_measured_on_what_its_own_split_holds_out(
    tiny_recipe: Recipe, sample_table: Path
) -> None:
    phones = read_dataset(sample_table).phones
    learnt, held_out = split(phones, tiny_recipe.split)
    probabilities = fit_calibrated(tiny_recipe, learnt).probabilities(held_out.matrix)
    found = contend(tiny_recipe, phones)
    assert (found.recipe, found.network, found.parameters, found.rows) == ("tiny", "20-8-4", 204, 60)
    assert found.accuracy == pytest.approx((probabilities.argmax(axis=1) == held_out.classes).mean())
    assert found.seconds > 0


def test_the_ladder_leads_from_the_worst_to_the_best() -> None:
    assert ranked(LADDER[::-1]) == LADDER


def test_the_markdown_has_a_row_for_each_recipe() -> None:
    lines = to_markdown(LADDER).splitlines()
    assert "| recipe | parameters | accuracy | log-loss | ECE | seconds |" in lines
    assert "| second | 1,204 | 0.9100 | 0.3000 | 0.0123 | 4.6 |" in lines
    assert "- **third** (20-8-4): What third is." in lines
    assert len({line.count("|") for line in lines if line.startswith("|")}) == 1


def test_the_ladder_is_drawn_and_the_same_each_time() -> None:
    picture = draw_ladder(LADDER)
    assert picture.startswith(b"\x89PNG")
    width, height = struct.unpack(">II", picture[16:24])
    assert width == 1000
    assert height > 200
    assert draw_ladder(LADDER) == picture
    assert draw_ladder(LADDER[:2]) != picture
