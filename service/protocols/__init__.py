"""How other platforms ask and are answered: one module per dialect, all over the same predictor.

A dialect is a module of this folder that has `dialect(settings)`, and its name in `Protocol`.
"""

from enum import StrEnum


class Protocol(StrEnum):
    """The dialects that there are, each the name of its module."""

    OPEN_INFERENCE = "open_inference"
    KSERVE_V1 = "kserve_v1"
    INVOCATIONS = "invocations"
    VERTEX = "vertex"
