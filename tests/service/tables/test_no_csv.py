"""What is given as CSV and is none is named in one sentence, at every door where CSV comes in."""

from pathlib import Path

import httpx
import pytest

from contract.phone import EXAMPLE, FEATURES
from tests.service.scoring.test_one_process import score

HEADER = ",".join(FEATURES)
LINE = ",".join(str(EXAMPLE[name]) for name in FEATURES)
TABLE = f"{HEADER}\n{LINE}\n"
NOISE = b"\x81\xd5" * 750_000  # without the end of a line

BODIES = {
    "gzip": (b"\x1f\x8b\x08\0\n\n", "The table is packed with gzip, not CSV in UTF-8: unpack it first"),
    "gzip, long": (b"\x1f\x8b\x08\0" + NOISE, "The table is packed with gzip, not CSV in UTF-8"),
    "Parquet, long": (b"PAR1" + NOISE, "The table is Parquet, not CSV in UTF-8: save the table as CSV"),
    "xlsx": (b"PK\x03\x04\x14\0\x06\0", "The table is an Excel workbook (.xlsx) or another ZIP archive"),
    "UTF-16": (TABLE.encode("utf-16"), "The table is UTF-16 text, not CSV in UTF-8: save it as CSV in UTF-8"),
    "semicolons": (TABLE.replace(",", ";").encode(), "Line 1: the cells are separated by semicolons"),
    "tabs": (TABLE.replace(",", "\t").encode(), "Line 1: the cells are separated by tabs"),
    "RAM": (TABLE.replace("ram", "RAM").encode(), "no column ram; column 14 is almost ram: rename it"),
    "one column": (b"ram\n1\n", "(19 are missing); the first line must name every column"),
    "commas at the end": (f"{TABLE}{',' * 19}\n".encode(), "Line 3: there are commas and no values"),
}


@pytest.mark.parametrize(("body", "told"), BODIES.values(), ids=BODIES)
@pytest.mark.parametrize("path", ["/predict/batch", "/invocations"])
def test_what_is_no_csv_is_named_once(service: httpx.Client, path: str, body: bytes, told: str) -> None:
    answer = service.post(path, content=body, headers={"Content-Type": "text/csv"})
    assert answer.status_code in (400, 422)
    found = answer.json()
    (message,) = [each["msg"] for each in found["detail"]] if "detail" in found else [found["message"]]
    assert message.count(told) == 1


@pytest.mark.parametrize("name", ["gzip, long", "UTF-16", "semicolons"])
def test_score_names_it_too(tmp_path: Path, name: str) -> None:
    body, told = BODIES[name]
    (tmp_path / "phones.csv").write_bytes(body)
    done = score(tmp_path / "phones.csv", tmp_path / "answers.csv")
    assert done.returncode != 0
    assert told in done.stderr.decode()
