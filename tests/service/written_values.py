"""Valid values of each specification, and the ways to write them in JSON."""

import math

from hypothesis import strategies as st

from contract.bundle import read_current
from contract.phone import Specification
from tests.running_service import ARTIFACTS

# how a valid value can be written; the last of each has far more digits than a double
WHOLE_FORMS = ("{:d}", "{:d}.0", "{:d}.000", "{:d}e0", "{:d}E+00", "{:d}.0e-0", "{:.6e}", "{:d}." + "0" * 40)
DECIMAL_FORMS = ("{!r}", "{:.17g}", "{:e}", "{:E}", "{:.17f}000", "{:.60f}")
ZEROS = ("-0", "-0.0", "-0e5", "0E9", "-1e-400")

TRAINED = {feature.name: (feature.low, feature.high) for feature in read_current(ARTIFACTS).manifest.features}


def edges(spec: Specification) -> set[float]:
    """Where answers change: the bounds of what is plausible and of what was trained on."""
    return {spec.low, spec.high, *TRAINED[spec.name]}


def valid_values(spec: Specification) -> st.SearchStrategy[str]:
    """A valid value, often at or beside an edge, in one of the ways to write it."""
    if spec.whole:
        numbers = st.sampled_from(whole_edges(spec)) | st.integers(int(spec.low), int(spec.high))
        written = st.builds(str.format, st.sampled_from(WHOLE_FORMS), numbers)
        return written if spec.low else written | st.sampled_from(ZEROS)
    decimals = st.sampled_from(decimal_edges(spec)) | st.floats(spec.low, spec.high)
    return st.builds(str.format, st.sampled_from(DECIMAL_FORMS), decimals)


def whole_edges(spec: Specification) -> list[int]:
    near = {int(edge) + step for edge in edges(spec) for step in (-1, 0, 1)}
    return [each for each in sorted(near) if spec.low <= each <= spec.high]


def decimal_edges(spec: Specification) -> list[float]:
    near = {math.nextafter(edge, way) for edge in edges(spec) for way in (0, edge, math.inf)}
    return [each for each in sorted(near) if spec.low <= each <= spec.high]
