import json
from typing import Any

import pytest

from benchmarks.catalogue import PEERS
from benchmarks.cores import for_load, for_server
from benchmarks.errors import BenchmarkError
from benchmarks.server import running
from benchmarks.wrk import FAILURES, put_load, read_figures


def output(**changed: int) -> str:
    figures: dict[str, Any] = {"requests": 30_000, "microseconds": 2_000_000, "p50": 400, "p99": 900}
    return (
        "Running 2s test\n  1 threads\n" + json.dumps(figures | dict.fromkeys(FAILURES, 0) | changed) + "\n"
    )


def test_figures_are_read_from_the_last_line() -> None:
    load = read_figures(output())
    assert (load.requests, load.seconds, load.requests_per_second) == (30_000, 2.0, 15_000.0)
    assert (load.p50_ms, load.p99_ms) == (0.4, 0.9)


@pytest.mark.parametrize("kind", FAILURES)
def test_one_failed_request_fails_the_load(kind: str) -> None:
    with pytest.raises(BenchmarkError, match=f"'{kind}': 1"):
        read_figures(output(**{kind: 1}))


def test_no_answer_at_all_is_no_figure() -> None:
    with pytest.raises(BenchmarkError, match="no request was answered"):
        read_figures(output(requests=0))


@pytest.mark.usefixtures("wrk")
def test_wrk_posts_valid_phones_and_fails_on_a_refusal() -> None:
    """The no-op answers 200 to a phone and 422 to anything else."""
    noop = PEERS["noop"]
    with running(noop, for_server()) as server:
        load = put_load(server.url, noop.bodies(), 2, 1, for_load())
        assert 0 < load.p50_ms <= load.p99_ms
        assert 0 < load.generator_share < 1.5
        with pytest.raises(BenchmarkError, match="'status': "):
            put_load(server.url, [*noop.bodies(), '{"ram": 1}'], 2, 1, for_load())
