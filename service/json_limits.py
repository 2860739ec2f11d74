"""Limits on what JSON holds: a parser makes up to a hundred bytes of each two that come."""

import numpy as np

from contract.table import refusal

MAX_PHONE_BYTES = 64 * 1024
"""Of a body or a list's element that is one phone, which has 500."""

COMMAS_PER_PHONE = 50
"""Of many phones; each has 20 fields, and may have others."""

BRACKETS_PER_PHONE = 10
"""Of many phones; each is one list or object."""

MIN_PHONES = 10_000
"""Whose commas and brackets may come, though fewer phones may."""

_COMMA, _LIST, _OBJECT = b",[{"


def check_size(body: bytes | bytearray | memoryview, max_phones: int) -> None:
    """Raise `InvalidTableError` if JSON has more values than that many phones need."""
    if len(body) <= MAX_PHONE_BYTES:
        return
    content = np.frombuffer(body, np.uint8)
    commas = np.count_nonzero(content == _COMMA)
    brackets = np.count_nonzero((content == _LIST) | (content == _OBJECT))
    phones = max(max_phones, MIN_PHONES)
    if commas > COMMAS_PER_PHONE * phones or brackets > BRACKETS_PER_PHONE * phones:
        msg = f"The body has {commas} commas and {brackets} brackets, far more than {phones} phones need"
        raise refusal("too_many_values", (), f"{msg}; send at most {max_phones} phones, with fewer fields")
