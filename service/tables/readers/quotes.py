"""Where cells of CSV in quotes begin and end, as `csv.reader` reads them in `contract.table`.

A quote opens a cell only where the cell begins, as in `,"6.1, OLED",`; elsewhere it is a character like
others, as in `,6.1" OLED,`. What closes a cell is followed by a comma, the end of a line or of the text.
"""

import re

import numpy as np
from numpy.typing import NDArray

MAX_CELL_BYTES = 128 * 1024
"""What `csv.reader` takes, unless told otherwise; it counts characters, which are no more than bytes."""

_OPENING = re.compile(rb'(?<![^,\r\n])"')
_CELL = re.compile(rb'"(?:[^"]++|"")*+"')
_ENDS = np.zeros(256, dtype=bool)
_ENDS[list(b',\r\n"')] = True
"""What may stand before a quote that opens a cell, and after one that closes it; a quote if it is doubled."""


def end_of_records(content: bytes) -> int:
    """Return where the last whole record ends: after the last line feed outside cells in quotes."""
    if b'"' not in content:
        return content.rfind(b"\n") + 1
    if _in_pairs(content, _places(content)):
        return _end_in_pairs(content)
    end = at = 0
    while True:
        opening = _OPENING.search(content, at)
        stop = opening.start() if opening else len(content)
        end = content.rfind(b"\n", at, stop) + 1 or end
        cell = _CELL.match(content, stop)
        if not cell:
            return end
        at = cell.end()


def end_of_first_record(content: bytes, start: int) -> int:
    """Return where the record ends that begins at `start`; if it does not end, where the text ends."""
    at = start
    while line_end := content.find(b"\n", at) + 1:
        opening = _OPENING.search(content, at, line_end)
        if not opening:
            return line_end
        cell = _CELL.match(content, opening.start())
        if not cell:
            break
        at = cell.end()
    return len(content)


def is_plain(content: bytes) -> bool:
    """Say whether each quote begins or ends a cell, or is doubled in one, and no cell is too long."""
    half = MAX_CELL_BYTES // 2
    for start in range(0, len(content) - half, half):  # a longer cell without quotes fills one of these
        if content.find(b",", start, start + half) < 0 and content.find(b"\n", start, start + half) < 0:
            return False
    if b'"' not in content:
        return True
    places = _places(content)
    if len(places) % 2 or not _in_pairs(content, places):
        return False
    opening, closing = places[::2], places[1::2]
    apart = opening[1:] - closing[:-1] > 1
    if not apart.all():  # some are doubled, and neither open nor close a cell
        opening, closing = opening[np.append(True, apart)], closing[np.append(apart, True)]
    return bool((closing - opening).max() <= MAX_CELL_BYTES)


def _places(content: bytes) -> NDArray[np.intp]:
    return np.flatnonzero(np.frombuffer(content, np.uint8) == ord('"'))


def _in_pairs(content: bytes, places: NDArray[np.intp]) -> bool:
    """Say whether each second quote, from the first, opens a cell, and each other closes one."""
    characters = np.frombuffer(content, np.uint8)
    before, after = places[::2], places[1::2]
    if before[0] == 0:
        before = before[1:]
    if len(after) and after[-1] == len(content) - 1:
        after = after[:-1]
    return bool(_ENDS[characters[before - 1]].all() and _ENDS[characters[after + 1]].all())


def _end_in_pairs(content: bytes) -> int:
    """Return the end of the last line before which the number of quotes is even."""
    end, quotes = len(content), int(np.count_nonzero(np.frombuffer(content, np.uint8) == ord('"')))
    while end:
        line_end = content.rfind(b"\n", 0, end) + 1
        quotes -= content.count(b'"', line_end, end)
        end = line_end
        if quotes % 2 == 0:
            break
        end = content.rfind(b'"', 0, end)  # this one is open: go on before it
        quotes -= 1
    return end
