"""What makes a dialect: its endpoints, its words for refusals, and what is true of its paths."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module

from fastapi import APIRouter
from pydantic import BaseModel

from service.errors import ErrorBody, Refuse, error_response
from service.fast_path import ShortCut
from service.settings import Settings


@dataclass(frozen=True)
class Dialect:
    """How one platform asks and is answered.

    `paths` matches each path on which refusals have the platform's shape, whoever refuses; `error_body` is
    that shape, which some route of the router has to name among its responses to have it described.
    """

    router: APIRouter
    paths: re.Pattern[str]
    refuse: Refuse
    error_body: type[BaseModel]
    open_paths: frozenset[str] = frozenset()
    """Where no key is needed, as platforms that look after a container's health have none."""
    unpacks: bool = False
    """Whether it unpacks compressed bodies itself, within the limit of a body."""
    short_cuts: Mapping[str, ShortCut] = field(default_factory=dict)
    """Paths on which one phone is answered ahead of FastAPI's machinery."""


class Dialects:
    """Those that the settings ask for."""

    def __init__(self, settings: Settings) -> None:
        modules = [import_module(f"service.protocols.{name}") for name in settings.protocols.split()]
        self.all: list[Dialect] = [module.dialect(settings) for module in modules]
        self._any = re.compile(
            "|".join(f"(?:{each.paths.pattern})" for each in self.all) or r"\b\B", re.DOTALL
        )
        self.open_paths = frozenset[str]().union(*(each.open_paths for each in self.all))
        self.short_cuts = {path: cut for each in self.all for path, cut in each.short_cuts.items()}

    def at(self, path: str) -> Dialect | None:
        """Return the dialect that is spoken there."""
        if not self._any.fullmatch(path):  # as nearly all that is asked by nobody's dialect
            return None
        return next((each for each in self.all if each.paths.fullmatch(path)), None)

    def refuse_at(self, path: str) -> Refuse:
        """Return what words a refusal there."""
        dialect = self.at(path)
        return dialect.refuse if dialect else error_response

    def error_body_at(self, path: str) -> type[BaseModel]:
        """Return what a refusal there looks like."""
        dialect = self.at(path)
        return dialect.error_body if dialect else ErrorBody

    def unpack_at(self, path: str) -> bool:
        """Whether compressed bodies are taken there."""
        dialect = self.at(path)
        return dialect is not None and dialect.unpacks


def platform_status(status: int) -> int:
    """Return a refusal's status as platforms have it: what breaks a rule is a 400, as what cannot be read."""
    return 400 if status == 422 else status
