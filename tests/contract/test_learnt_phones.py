"""Phones that a model has learnt are known again, however their table was saved."""

import numpy as np
import pytest

from contract.bundle import LearntPhones
from contract.errors import LearntPhonesError
from training.made_up import PUBLISHED_RANGES, make_up_phones

PHONES = make_up_phones(50, PUBLISHED_RANGES, seed=1).to_numpy(np.float64)
LEARNT = LearntPhones.of(PHONES[:40])


def test_learnt_phones_are_known_in_any_order_and_number_type() -> None:
    assert LEARNT.share_of(PHONES[:40][::-1]) == 1
    assert LEARNT.share_of(np.asfortranarray(PHONES[:40].astype(np.float32))) == 1


def test_other_phones_are_not() -> None:
    assert LEARNT.share_of(PHONES[40:]) == 0
    assert LEARNT.share_of(PHONES) == 0.8


def test_a_negative_zero_is_a_zero() -> None:
    assert LearntPhones.of(np.zeros((1, 20))).share_of(-np.zeros((1, 20))) == 1


def test_what_is_written_is_read() -> None:
    assert LearntPhones.read(LEARNT.to_bytes()) == LEARNT


@pytest.mark.parametrize("content", [b"", b"1234567", b"87654321" + b"12345678", b"12345678" * 2])
def test_another_content_is_refused(content: bytes) -> None:
    with pytest.raises(LearntPhonesError, match="ascending"):
        LearntPhones.read(content)
