"""What Triton's statistics extension tells of a model: how often it was asked, and where the time went."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter_ns, time

from typing_extensions import TypedDict


class Duration(TypedDict):
    """How often, and how long in all."""

    count: int
    ns: int


class InferenceStatistics(TypedDict):
    """Where the time of requests went."""

    success: Duration
    fail: Duration
    queue: Duration
    compute_input: Duration
    compute_infer: Duration
    compute_output: Duration
    cache_hit: Duration
    cache_miss: Duration


class ModelStatistics(TypedDict):
    """Of one model, since the process began; `last_inference` in milliseconds since 1970.

    `version` is that of now: what a version before it has inferred is counted as well.
    """

    name: str
    version: str
    last_inference: int
    inference_count: int
    execution_count: int
    inference_stats: InferenceStatistics
    batch_stats: list[dict[str, object]]


def _never() -> Duration:
    return {"count": 0, "ns": 0}


def _add(duration: Duration, ns: int) -> None:
    duration["count"] += 1
    duration["ns"] += ns


@dataclass
class Statistics:
    """The counters of one process: Triton has but one."""

    last_inference: int = 0
    inferences: int = 0
    stats: InferenceStatistics = field(
        default_factory=lambda: InferenceStatistics(
            success=_never(),
            fail=_never(),
            queue=_never(),
            compute_input=_never(),
            compute_infer=_never(),
            compute_output=_never(),
            cache_hit=_never(),
            cache_miss=_never(),
        )
    )

    @contextmanager
    def request(self) -> Iterator["Stages"]:
        """Count a request as failed, unless all its stages have ended."""
        stages = Stages()
        try:
            yield stages
        finally:
            self.count(stages)

    def count(self, stages: "Stages") -> None:
        """Count a request by the stages that it has gone through."""
        if len(stages.ends) < 4:
            _add(self.stats["fail"], perf_counter_ns() - stages.ends[0])
            return
        start, read, computed, written = stages.ends
        self.last_inference = int(time() * 1_000)
        self.inferences += stages.rows
        _add(self.stats["success"], written - start)
        _add(self.stats["queue"], 0)
        _add(self.stats["compute_input"], read - start)
        _add(self.stats["compute_infer"], computed - read)
        _add(self.stats["compute_output"], written - computed)

    def of(self, name: str, version: str) -> ModelStatistics:
        """Tell them."""
        return {
            "name": name,
            "version": version,
            "last_inference": self.last_inference,
            "inference_count": self.inferences,
            "execution_count": self.stats["success"]["count"],
            "inference_stats": self.stats,
            "batch_stats": [],
        }


class Stages:
    """When a request began, and when it was read, computed and written, in nanoseconds."""

    def __init__(self) -> None:
        self.ends = [perf_counter_ns()]
        self.rows = 0

    def end(self) -> None:
        """Say that a stage has ended."""
        self.ends.append(perf_counter_ns())
