"""Fits side by side, a process for each core."""

import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol, TypeVar

from joblib import Parallel, delayed

Result = TypeVar("Result")


class InOrder(Protocol):
    """What yields `function(*arguments)` for each of the calls, in their order; where, is its own affair."""

    def __call__(
        self, function: Callable[..., Result], calls: Iterable[tuple[Any, ...]], /
    ) -> Iterator[Result]: ...


def in_parallel(function: Callable[..., Result], calls: Iterable[tuple[Any, ...]], /) -> Iterator[Result]:
    """Yield `function(*arguments)` for each of the calls, in their order, as they are done."""
    with warnings.catch_warnings():
        # an interruption leaves fits undone, and that is no cause for joblib's advice on how to use it
        warnings.filterwarnings("ignore", message="[0-9]+ tasks", module="joblib")
        yield from Parallel(n_jobs=-1, return_as="generator")(
            delayed(function)(*arguments) for arguments in calls
        )
