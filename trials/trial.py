"""A trial of the plan, found by the name of its module: `trials/plan/k1_killed_workers.py` is K1."""

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Literal, cast, get_args

import trials.plan
from trials.outcome import Outcome

Kind = Literal["chaos", "fuzz", "load", "soak", "audit"]

KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True)
class Trial:
    """What is tried, what it must come to, and how to try it."""

    id: str
    kind: Kind
    what: str
    passes: str
    run: Callable[[bool], Outcome]
    """Takes whether to run at full length."""


def trials_by_id() -> dict[str, Trial]:
    """Return every trial, in the order of the ids. Importing them starts nothing."""
    names = (found.name for found in pkgutil.iter_modules(trials.plan.__path__))
    found = [_trial(importlib.import_module(f"trials.plan.{name}")) for name in names]
    return {trial.id: trial for trial in sorted(found, key=lambda trial: (trial.id[0], int(trial.id[1:])))}


def _trial(module: ModuleType) -> Trial:
    identity = module.__name__.rpartition(".")[2].partition("_")[0].upper()
    return Trial(
        identity,
        cast(Kind, module.KIND),
        cast(str, module.__doc__).partition("\n")[0].rstrip("."),
        cast(str, module.PASSES),
        cast(Callable[[bool], Outcome], module.run),
    )
