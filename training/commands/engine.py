"""What `tune` and `cross-validate` share: where their fits are made."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from contract.cluster import ADDRESS, Where, connected
from contract.errors import ClusterError

if TYPE_CHECKING:
    from training.searching import Means


EngineOption: TypeAlias = Annotated[
    Where, typer.Option("--engine", help="Where fits are made: this machine, or a Ray cluster.")
]
AddressOption: TypeAlias = Annotated[
    str | None,
    typer.Option("--address", help=ADDRESS),
]
GpusOption: TypeAlias = Annotated[
    float,
    typer.Option(
        "--gpus-per-trial", min=0, max=1, help="Share of a GPU of the cluster for each trial or fold."
    ),
]


def means(engine: Where, address: str | None, gpus: float) -> "AbstractContextManager[Means]":
    """Return what fits are made with, for a while. Raises `ClusterError`."""
    return _MEANS[engine](address, gpus)


@contextmanager
def _of_this_machine(address: str | None, gpus: float) -> "Iterator[Means]":
    if address is not None or gpus:
        raise ClusterError(
            "--address and --gpus-per-trial are for a cluster: add --engine ray, or leave them out"
        )
    from training.searching import THIS_MACHINE

    yield THIS_MACHINE


@contextmanager
def _of_a_cluster(address: str | None, gpus: float) -> "Iterator[Means]":
    with connected(address):
        from training.folds_on_ray import OnRay
        from training.searching import Means
        from training.tuning_on_ray import search_on_ray

        on_ray = OnRay(gpus)
        yield Means(partial(search_on_ray, on_ray), on_ray.in_order)


_MEANS: "dict[Where, Callable[[str | None, float], AbstractContextManager[Means]]]" = {
    Where.LOCAL: _of_this_machine,
    Where.RAY: _of_a_cluster,
}
