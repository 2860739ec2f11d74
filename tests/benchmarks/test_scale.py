"""benchmarks.scale: rates leave the start out, and a cluster pays where both lines meet."""

from benchmarks.machine import Machine
from benchmarks.scale import FEW, KINDS, Figures, Scored, sections
from benchmarks.spread import Spread

ROWS = 1_000_000 + FEW


def scored(start: float, rate: float) -> Scored:
    return Scored(start_seconds=start, seconds=Spread.of([start + 1_000_000 / rate]), peak_mib=100.0)


def figures(rays_rate: float) -> Figures:
    local, ray = scored(1.0, 100_000), scored(11.0, rays_rate)
    return Figures(
        machine=Machine.this(),
        rows=ROWS,
        address="local",
        local=dict.fromkeys(KINDS, local),
        ray=dict.fromkeys(KINDS, ray),
    )


def test_a_rate_leaves_the_start_out() -> None:
    assert round(scored(5.0, 200_000).rate(ROWS)) == 200_000


def test_a_cluster_pays_where_it_has_made_up_for_its_start() -> None:
    """By hand: 10 s are lost, and each row gains 1/100,000 - 1/200,000 s."""
    found = figures(rays_rate=200_000)
    assert round(found.pays_from(".csv") or 0) == 2_000_000
    assert "2,000,000" in sections(found)[0].rows[1][-1]


def test_a_cluster_that_is_no_faster_never_pays() -> None:
    assert figures(rays_rate=90_000).pays_from(".csv") is None
