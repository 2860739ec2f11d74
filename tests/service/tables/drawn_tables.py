"""Small tables of CSV and NDJSON by chance, of which some rows are odd."""

import json
from random import Random

from contract.phone import EXAMPLE, FEATURES

HEADER = ",".join(FEATURES)
CELLS = [str(EXAMPLE[name]) for name in FEATURES]

NUMBERS = [
    "0x800",
    "0X8",
    "1_000",
    "inf",
    "nan",
    "+900",
    "1e3",
    "１０００",
    "900.",
    "900.5",
    "1d3",
    "-900",
    "1e999",
    "3,000",
]
NUMBERS += ["", " 900 ", "\t900", "\u00a0900", "9" * 400]
NUMBERS += ['"900"', '"900', '900"', '"900" ', '"9"00', '""', '"0x800"', '"9""00"', '" 900 "']
NOTES = ["", "ok", "0x", "é", "a b", '6.1" OLED', '"a, b"', '"a\nb"', '"a\r\nb"', '"a\rb"', '"\n"']
NOTES += ['""', '""""', '"""', '"', '"say ""hi"""', '"a"",b"', '"a"b', '"a" ', ' "a"', '"open', 'x"']
NOTES += ['a""b', '"",""', "\ufeff", "null", "NA"]
ENDS = ["\n"] * 12 + ["\r\n"] * 3 + ["\r", "\n\n", "\r\n\r\n"]
BAD_BYTES = [b"\xff", b"\xc3", b"\xed\xa0\x80"]


def csv_table(chance: Random) -> bytes:
    """Return a table in UTF-8: of a bad byte and another fault, the one told first depends on the cut."""
    oddness = chance.choice([0.02, 0.1, 0.3])
    end = chance.choice(["\n", "\r\n"])
    text = f"{HEADER},note{end}"
    for _ in range(chance.randrange(1, 9)):
        cells = [*CELLS, "ok"]
        if chance.random() < oddness:
            cells[chance.randrange(20)] = chance.choice(NUMBERS)
        if chance.random() < oddness * 2:
            cells[20] = chance.choice(NOTES)
        if chance.random() < oddness / 8:
            cells = [f'"{cell}"' for cell in cells]
        if chance.random() < oddness / 4:
            cells = cells[:-1] if chance.random() < 0.5 else [*cells, "more"]
        text += ",".join(cells) + (chance.choice(ENDS) if chance.random() < oddness else end)
    return (text if chance.random() < 0.7 else text.rstrip("\r\n")).encode()


VALUES = [
    "1e3",
    "900.0",
    "900.5",
    "-900",
    "-0",
    "0900",
    "+900",
    "0x800",
    "1e999",
    "NaN",
    "Infinity",
    "true",
    "null",
    "[]",
    "{}",
]
VALUES += ['"900"', '"', "", " 900 ", "9" * 400, "1" + "0" * 30, "[" * 900 + "]" * 900]
OTHERS = [
    '"note": "é"',
    '"note": "\\ud800"',
    '"\\u0072am": 900',
    '"ram": 900',
    '"ram ": 900',
    '"note": 1e999',
]
OTHERS += ['"note": {"a": [1, 2.50]}', '"note"', '"a\tb": 1', '"": 0', '"id": 9007199254740993', "note: 1"]
LINES = [
    "",
    " ",
    "\r",
    "{}",
    "[]",
    "[{}]",
    "null",
    "5",
    '"{}"',
    "{",
    "}",
    ",",
    "\ufeff",
    "// no phone",
    "\x00",
]


def ndjson_table(chance: Random) -> bytes:
    """Return phones a line each, some with other fields."""
    oddness = chance.choice([0.02, 0.1, 0.3])
    end = chance.choice(["\n", "\r\n"])
    text = "\ufeff" if chance.random() < oddness / 4 else ""
    for _ in range(chance.randrange(1, 9)):
        text += _line(chance, oddness) + (chance.choice(ENDS) if chance.random() < oddness else end)
    return _with_bad_byte((text if chance.random() < 0.7 else text.rstrip("\r\n")).encode(), chance)


def _line(chance: Random, oddness: float) -> str:
    if chance.random() < oddness / 2:
        return chance.choice(LINES)
    fields = [f'"{name}": {json.dumps(value)}' for name, value in EXAMPLE.items()]
    if chance.random() < oddness:
        at = chance.randrange(20)
        fields[at] = f'"{FEATURES[at]}": {chance.choice(VALUES)}'
    if chance.random() < oddness:
        del fields[chance.randrange(20)]
    if chance.random() < oddness * 2:
        fields.insert(chance.randrange(20), chance.choice(OTHERS))
    line = "{" + ", ".join(fields) + "}"
    if chance.random() < oddness / 2:  # two on a line, or what ends too early, or too late
        at = chance.randrange(len(line))
        line = chance.choice(
            [line + line, f"{line} {line}", line[:at], line[at:], line + ",", line + " ", "\t" + line]
        )
    return line


def _with_bad_byte(content: bytes, chance: Random) -> bytes:
    """Return the table, in rare cases with a byte that UTF-8 does not have there."""
    if chance.random() > 0.01:
        return content
    at = chance.randint(0, len(content))
    return content[:at] + chance.choice(BAD_BYTES) + content[at:]
