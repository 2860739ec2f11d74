"""A figure is held against its bound, and one that never came holds to none, as it is kept and read again."""

import math

import pytest

from trials.outcome import Control, Line, Outcome, at_least, at_most, exactly

SEEN = Control(what="the variant", failed=True, seen="1 wrong")


@pytest.mark.parametrize(
    ("line", "holds"),
    [
        (at_most("", 1.0, 1), True),
        (at_most("", 1.1, 1), False),
        (at_least("", 1.0, 1), True),
        (at_least("", 0.9, 1), False),
        (exactly("", 0, 0), True),
        (exactly("", 1, 0), False),
    ],
)
def test_a_bound_is_kept_or_not(line: Line, holds: bool) -> None:
    assert line.holds is holds
    assert Outcome(lines=[line], controls=[SEEN]).passed is holds


@pytest.mark.parametrize("figure", [math.inf, math.nan])
def test_what_never_came_is_kept_as_such_and_keeps_no_bound(figure: float) -> None:
    kept = Outcome(lines=[at_most("back", figure, 10, "s")], controls=[SEEN]).model_dump_json()
    again = Outcome.model_validate_json(kept)
    assert not again.passed
    assert again.because() == ["back never s (≤ 10)"]


def test_a_control_that_was_not_noticed_passes_nothing() -> None:
    missed = SEEN.model_copy(update={"failed": False})
    outcome = Outcome(lines=[exactly("wrong", 0, 0)], controls=[missed])
    assert not outcome.passed
    assert outcome.because() == ["the control was not noticed: the variant"]
