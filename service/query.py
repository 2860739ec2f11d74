"""Refusing query parameters that a path does not have: a misspelt one would change nothing, unseen."""

from difflib import get_close_matches

from fastapi import Request
from fastapi.routing import APIRoute

from contract.violation import Violation

LONGEST_NAME = 64
"""Characters of a name that are looked at for what it may have meant."""


class UnknownParameterError(Exception):
    """A query has parameters that its path does not; `violations` name each."""

    def __init__(self, violations: list[Violation]) -> None:
        super().__init__()
        self.violations = violations


async def refuse_unknown_parameters(request: Request) -> None:
    """Raise `UnknownParameterError` for a query with other parameters than the route declares."""
    if not request.scope["query_string"]:
        return
    route: APIRoute = request.scope["route"]
    known = [field.alias for field in route.dependant.query_params]
    unknown = [name for name in request.query_params if name not in known]
    if unknown:
        raise UnknownParameterError([_violation(name, known) for name in unknown])


def _violation(name: str, known: list[str]) -> Violation:
    close = get_close_matches(name[:LONGEST_NAME].lower(), known, n=1)
    if close:
        hint = f"did you mean {close[0]}?"
    else:
        hint = f"this path has {' and '.join(known) if known else 'none'}; remove it"
    return Violation("unknown_parameter", ("query", name), f"No such query parameter: {hint}")
