"""What is made of the rounds."""

import pytest

from benchmarks.machine import Machine
from benchmarks.report import Section, markdown
from benchmarks.spread import Spread
from benchmarks.target import Target
from benchmarks.two_workers import TwoWorkers
from benchmarks.wrk import Load

MACHINE = Machine(
    processor="Abacus",
    cores=2,
    memory_gib=8,
    system="Linux",
    python="3.11",
    libraries={"numpy": "2.4"},
    wrk="4.1",
)


def load(rate: float, share: float) -> Load:
    return Load(requests=1, seconds=1, requests_per_second=rate, p50_ms=1, p99_ms=2, generator_share=share)


def test_a_spread_is_the_median_and_the_extremes() -> None:
    spread = Spread.of([3.0, 1.0, 2.0])
    assert (spread.median, spread.low, spread.high, spread.rounds) == (2.0, 1.0, 3.0, [3.0, 1.0, 2.0])
    assert spread.text(1) == "2.0 (1.0 to 3.0)"
    assert Spread.of([1234.5]).text(0) == "1,234"


def test_ratios_are_of_figures_of_the_same_round() -> None:
    """Of the medians the ratio would be 1.0: in no round was it so."""
    assert Spread.of_ratios([10.0, 20.0, 40.0], [20.0, 10.0, 20.0]).rounds == [0.5, 2.0, 2.0]


def test_two_workers_are_corrected_for_what_the_generator_takes_of_their_cores() -> None:
    """Half a core of two is wrk's: 15,000 on 1.5 cores is 20,000 on two, twice what one had."""
    workers = TwoWorkers.beside([load(10_000, 0.3)], [load(15_000, 0.5)], shared=True)
    assert workers.raw.median == pytest.approx(1.5)
    assert workers.corrected.median == pytest.approx(2.0)


def test_a_generator_with_a_core_of_its_own_is_no_correction() -> None:
    workers = TwoWorkers.beside([load(10_000, 0.3)], [load(15_000, 0.5)], shared=False)
    assert workers.corrected.median == pytest.approx(1.5)
    assert workers.generator_share.median == 0


@pytest.mark.parametrize(
    ("target", "met"),
    [
        (Target(what="", found=3.0, at_least=3.0), True),
        (Target(what="", found=2.9, at_least=3.0), False),
        (Target(what="", found=2.5, at_most=2.5), True),
        (Target(what="", found=2.6, at_most=2.5), False),
    ],
)
def test_a_target_is_met_up_to_its_bound(target: Target, met: bool) -> None:
    assert target.met is met


def test_markdown_has_the_machine_and_a_row_for_each_peer() -> None:
    text = markdown(
        MACHINE, [Section("Speed", ["", "requests/s"], [["ours", "9"], ["echo", "12"]], "Of one.")]
    )
    assert text.startswith(
        f"Measured {MACHINE.measured}, Abacus, 2 cores, 8 GiB, Linux; Python 3.11, numpy 2.4"
    )
    assert "**Speed**\n\n|  | requests/s |\n| --- | ---: |\n| ours | 9 |\n| echo | 12 |\n\nOf one.\n" in text
