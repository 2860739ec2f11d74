"""Fits side by side on a Ray cluster, a core for each."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, TypeVar

import ray
from ray.exceptions import RayError, RayTaskError

from contract.errors import ClusterError, PhonePriceError

Result = TypeVar("Result")

LOST_AT_MOST = 5
"""Nodes that may be lost under a fit before it counts as failed."""

AHEAD = 2
"""Fits that are handed to the cluster for each core: more would fill its memory with phones that wait."""


class OnRay:
    """A share of the cluster for each fit: a core, and `gpus` of a GPU, from 0 to 1."""

    def __init__(self, gpus: float) -> None:
        self.gpus = gpus
        self.slots()  # refuses now what could not be done later

    def slots(self) -> int:
        """Return how many fits the cluster makes at a time. Raises `ClusterError` if it can make none."""
        nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]  # type: ignore[no-untyped-call]
        slots = sum(_slots(node, self.gpus) for node in nodes)
        if slots == 0:
            raise ClusterError(_lacking(nodes, self.gpus))
        return slots

    def in_order(
        self, function: Callable[..., Result], calls: Iterable[tuple[Any, ...]], /
    ) -> Iterator[Result]:
        """Yield `function(*arguments)` for each of the calls; one on a lost node is made again."""
        task = ray.remote(function).options(
            num_cpus=1, num_gpus=self.gpus, max_retries=LOST_AT_MOST, scheduling_strategy="SPREAD"
        )
        waiting = (task.remote(*arguments) for arguments in calls)
        under_way = deque(islice(waiting, AHEAD * self.slots()))
        while under_way:
            yield _result(under_way.popleft())
            under_way.extend(islice(waiting, 1))


def _result(reference: Any) -> Any:
    try:
        return ray.get(reference)
    except RayTaskError as error:
        if isinstance(error.cause, PhonePriceError):
            raise error.cause from None  # Ray's own text is a traceback
        raise
    except RayError as error:
        raise ClusterError(f"the cluster lost a fit for good: {told(error)}") from None


def told(error: Exception) -> str:
    """Return the line that tells what happened: the first, unless Ray gives a traceback."""
    return str(error).strip().splitlines()[-1 if isinstance(error, RayTaskError) else 0]


def _slots(resources: dict[str, float], gpus: float) -> int:
    cores = int(resources.get("CPU", 0))
    if gpus == 0:
        return cores
    return min(cores, int(resources.get("GPU", 0)) * int(1 / gpus))


def _lacking(nodes: list[dict[str, float]], gpus: float) -> str:
    cores, devices = (sum(node.get(kind, 0) for node in nodes) for kind in ("CPU", "GPU"))
    wanted = "a core" if gpus == 0 else f"a core and {gpus:g} of a GPU on one node"
    return (
        f"a fit needs {wanted}, and the cluster has {cores:g} cores and {devices:g} GPUs: "
        "add a node that has them" + ("" if gpus == 0 or cores == 0 else ", or leave out --gpus-per-trial")
    )
