"""Whole tables are measured, and those who take them beside ours take them as ours does."""

from pathlib import Path

import httpx
import pytest

from benchmarks.catalogue import PLAIN
from benchmarks.cores import for_server
from benchmarks.phones import PHONES
from benchmarks.server import running
from service.media_type import ARROW, CSV
from tests.benchmarks.test_serving import PNG, run
from tests.tables import body, probabilities, rows


def test_plain_pyarrow_answers_as_the_service_does(service: httpx.Client) -> None:
    with running(PLAIN, for_server()) as server:
        for kind in (CSV, ARROW):
            content, headers = body(kind, PHONES), {"Content-Type": kind, "Accept": kind}
            theirs = httpx.post(f"{server.url}/batch", content=content, headers=headers)
            ours = service.post("/predict/batch", content=content, headers=headers)
            assert theirs.status_code == ours.status_code == 200
            for their, our in zip(rows(kind, theirs.content), rows(kind, ours.content), strict=True):
                assert int(their["price_range"]) == int(our["price_range"])
                assert probabilities(kind, their) == pytest.approx(probabilities(kind, our), abs=1e-6)


def test_tables_are_measured(tmp_path: Path) -> None:
    figures = run("benchmarks.tables", tmp_path, "--rounds", "1", "--streamed", "50000", "--scored", "20000")
    ours = figures["ours"]
    for name, kinds in figures["others"].items():
        for kind, found in kinds.items():
            assert figures["ratios"][name][kind]["median"] == ours[kind]["median"] / found["median"]
    assert set(figures["others"]) == {"plain", "tutorial"}
    assert (figures["streamed"]["rows"], figures["scored"]["rows"]) == (50_000, 20_000)

    found = {target["what"]: target["found"] for target in figures["targets"]}
    assert found["rows/s, CSV over HTTP"] == ours[CSV]["median"]
    assert found["peak MiB of score"] == figures["scored"]["peak_mib"] > 50
    tables = (tmp_path / "tables.md").read_text()
    assert f"| plain pyarrow | CSV | 100,000 | {figures['others']['plain'][CSV]['median']:,.0f} |" in tables
    assert (tmp_path / "chart.png").read_bytes().startswith(PNG)
