"""A row that lacks fields and is right otherwise is refused as pydantic refuses it, without pydantic."""

import json

import numpy as np
import pytest
from pydantic import ValidationError

from contract.errors import InvalidTableError
from contract.phone import EXAMPLE, FEATURES
from contract.violation import Violation, from_pydantic
from service.tables.plausible import judge_of
from service.tables.readers.judge import Row, judged_row

SUBSETS = [[], ["ram"], list(FEATURES[1:]), *(list(FEATURES[step // 2 :: step]) for step in range(2, 12))]


def found_by_pydantic(content: str) -> list[Violation]:
    with pytest.raises(ValidationError) as raised:
        Row.model_validate_json(content)
    return list(from_pydantic(raised.value, ("line", 7), "Line 7: "))


@pytest.mark.parametrize("names", SUBSETS)
@pytest.mark.parametrize("other", [{}, {"note": "x"}, {"ram": "much"}, {"ram": -1}])
def test_a_line_that_lacks_fields_is_refused_in_the_same_words(
    names: list[str], other: dict[str, object]
) -> None:
    content = json.dumps({name: EXAMPLE[name] for name in names} | other)
    with pytest.raises(InvalidTableError) as raised:
        judged_row(content.encode(), 7)
    assert list(raised.value.violations) == found_by_pydantic(content)


@pytest.mark.parametrize("names", SUBSETS)
def test_a_row_that_lacks_values_names_each_of_them(names: list[str]) -> None:
    row = np.array([[EXAMPLE[name] if name in names else np.nan for name in FEATURES]])
    with pytest.raises(InvalidTableError) as raised:
        judge_of(row, 3)(0)
    assert [each.loc for each in raised.value.violations] == [
        ("row", 3, name) for name in FEATURES if name not in names
    ]
    assert all("The value is missing" in each.msg for each in raised.value.violations)
