"""Where cells of CSV in quotes begin and end, as `csv.reader` reads them in `contract.table`.

A quote opens a cell only where the cell begins, as in `,"6.1, OLED",`; elsewhere it is a character like
others, as in `,6.1" OLED,`. What closes a cell is followed by a comma, the end of a line or of the text.
"""

import re
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

MAX_CELL_BYTES = 128 * 1024
"""What `csv.reader` takes, unless told otherwise; it counts characters, which are no more than bytes."""

_OPENING = re.compile(rb'(?<![^,\r\n])"')
_CELL = re.compile(rb'"(?:[^"]++|"")*+"')

Bits: TypeAlias = NDArray[np.uint64]
"""A truth for each byte, 64 to a word, the first one lowest; one bit at least follows the last."""

_WORD = 64


def end_of_records(content: bytes) -> int:
    """Return where the last whole record ends: after the last line feed outside cells in quotes."""
    if b'"' not in content:
        return content.rfind(b"\n") + 1
    if _marks(content).in_pairs(len(content)):
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


def end_of_first_record(content: bytes, start: int, end: bytes = b"\n") -> int:
    """Return where the record ends that begins at `start`; if it does not end, where the text ends."""
    at = start
    while line_end := content.find(end, at) + 1:
        opening = _OPENING.search(content, at, line_end)
        if not opening:
            return line_end
        cell = _CELL.match(content, opening.start())
        if not cell:
            break
        at = cell.end()
    return len(content)


def is_plain(content: bytes) -> bool:
    """Say whether each quote begins or ends a cell, or is doubled in one, and no cell is too long.

    No carriage return may stand but before the end of a line, not even in quotes.
    """
    if b"\r" in content and _has_lone_carriage_return(content):
        return False
    half = MAX_CELL_BYTES // 2
    for start in range(0, len(content) - half, half):  # a longer cell without quotes fills one of these
        if content.find(b",", start, start + half) < 0 and content.find(b"\n", start, start + half) < 0:
            return False
    if b'"' not in content:
        return True
    marks = _marks(content)
    if marks.inside[-1] >> np.uint64(_WORD - 1) or not marks.in_pairs(len(content)):
        return False
    separators = marks.separators & ~marks.inside
    words = half // _WORD
    whole = len(separators) // words * words
    return bool(separators[:whole].reshape(-1, words).any(axis=1).all())


def _has_lone_carriage_return(content: bytes) -> bool:
    """Say whether a carriage return comes before another character than itself or a line feed."""
    characters = np.frombuffer(content, np.uint8)
    places = np.flatnonzero(characters == ord("\r"))
    after = characters[places[places < len(content) - 1] + 1]
    return bool(((after != ord("\n")) & (after != ord("\r"))).any())


class _Marks(NamedTuple):
    """Where quotes are, commas and line ends, and what follows an odd number of quotes or is the odd one."""

    quotes: Bits
    separators: Bits
    inside: Bits

    def in_pairs(self, size: int) -> bool:
        """Say whether each second quote, from the first, opens a cell, and each other closes one.

        Before and after it there is what ends a cell, or a quote, if it is doubled.
        """
        ends = self.quotes | self.separators
        ends[size // _WORD] |= np.uint64(1 << size % _WORD)  # the text ends there
        before, after = ends << np.uint64(1), ends >> np.uint64(1)
        before[0] |= np.uint64(1)
        before[1:] |= ends[:-1] >> np.uint64(_WORD - 1)
        after[:-1] |= ends[1:] << np.uint64(_WORD - 1)
        opening, closing = self.quotes & self.inside, self.quotes & ~self.inside
        return not ((opening & ~before) | (closing & ~after)).any()


def _marks(content: bytes) -> _Marks:
    characters = np.frombuffer(content, np.uint8)
    quotes = _bits(characters == ord('"'))
    separators = characters == ord(",")
    separators |= characters == ord("\n")
    separators |= characters == ord("\r")
    return _Marks(quotes, _bits(separators), _after_odd(quotes))


def _bits(truths: NDArray[np.bool_]) -> Bits:
    packed = np.packbits(truths, bitorder="little")
    words = np.zeros(len(truths) // _WORD + 1, "<u8")
    words.view(np.uint8)[: len(packed)] = packed
    return words


def _after_odd(bits: Bits) -> Bits:
    """Return whether the number of bits that are set is odd, up to each and with it."""
    odd = bits.copy()
    for places in (1, 2, 4, 8, 16, 32):
        odd ^= odd << np.uint64(places)
    of_words = np.bitwise_xor.accumulate(odd >> np.uint64(_WORD - 1))
    odd[1:] ^= np.uint64(0) - of_words[:-1]  # all of a word is the other way after an odd number
    return odd


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
