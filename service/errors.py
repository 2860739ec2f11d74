"""The one table: exception -> status and body. Every failure has the body {"detail": [{type, loc, msg}]}."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, replace
from http import HTTPStatus
from typing import Any, TypeAlias

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from contract.errors import InvalidTableError
from contract.violation import Violation, from_details
from service.query import UnknownParameterError

LARGEST_BODY = 8 * 1024
"""Bytes of an error's body. Twenty thousand mistakes are told by the first few."""

LONGEST_NAME = 64
LONGEST_MESSAGE = 300


Refuse: TypeAlias = Callable[[int, Iterable[Violation], Mapping[str, str] | None], Response]
"""Words a refusal: its status, what is wrong, and headers to send with it."""


class ErrorBody(BaseModel):
    """What every refusal looks like."""

    detail: list[Violation] = Field(description="What is wrong and where; the first few, if there are many")


REFUSALS: dict[int | str, dict[str, Any]] = {
    400: {"model": ErrorBody, "description": "A header has no value that is understood"},
    413: {"model": ErrorBody, "description": "The body is too large"},
    415: {"model": ErrorBody, "description": "The Content-Type is not one of those accepted"},
    422: {"model": ErrorBody, "description": "A field breaks a rule"},
}
"""Of what is posted, for the description of the interface."""


_NO_JSON = (ValueError, RecursionError)
"""Why Python reads no body, beside mistakes that have a position: bytes that are not UTF-8, a number
of too many digits, lists within lists without end. FastAPI makes a 400 of them that says nothing."""


def install_error_handlers(app: FastAPI) -> None:
    """Give every failure of `app` its status and body."""

    @app.exception_handler(RequestValidationError)
    async def invalid_request(_: Request, error: RequestValidationError) -> Response:
        return error_response(422, from_details(error.errors()))

    @app.exception_handler(InvalidTableError)
    async def invalid_table(_: Request, error: InvalidTableError) -> Response:
        return error_response(422, [_in_body(violation) for violation in error.violations])

    @app.exception_handler(UnknownParameterError)
    async def unknown_parameter(_: Request, error: UnknownParameterError) -> Response:
        return error_response(422, error.violations)

    @app.exception_handler(HTTPException)
    async def refused(request: Request, error: HTTPException) -> Response | None:
        if isinstance(error.__cause__, ClientDisconnect):  # FastAPI takes it for a body that is no JSON
            return None
        if isinstance(error.__cause__, _NO_JSON):
            return error_response(422, from_details([{"type": "json_invalid", "loc": ("body",), "msg": ""}]))
        _allow_head(error)
        return refusal(error.status_code, _what_to_do(request, error), error.headers)

    @app.exception_handler(ClientDisconnect)
    async def left(_: Request, __: ClientDisconnect) -> None:
        """Send nothing: the client has left."""

    @app.exception_handler(Exception)
    async def failed(_: Request, __: Exception) -> Response:
        # the exception's own text goes to the log only: it may hold paths or input
        return error_response(500, [Violation("internal_error", (), "The service failed; its log says why")])


def _allow_head(error: HTTPException) -> None:
    """Name HEAD beside GET: FastAPI's routes do not know that they are asked so."""
    allowed = (error.headers or {}).get("Allow", "").split(", ")
    if "GET" in allowed:
        error.headers = {**(error.headers or {}), "Allow": ", ".join(sorted({*allowed, "HEAD"}))}


def _what_to_do(request: Request, error: HTTPException) -> str:
    """Return the error's own words, or others for the bare ones of Starlette's router."""
    if error.detail != HTTPStatus(error.status_code).phrase:
        return str(error.detail)
    if error.status_code == 404:
        return "There is nothing at this path: GET /docs lists what there is"
    if error.status_code == 405:
        return f"Not by {request.method}: this path is asked by {(error.headers or {}).get('Allow')}"
    return str(error.detail)


def refusal(
    status: int, reason: str, headers: Mapping[str, str] | None = None, refuse: Refuse | None = None
) -> Response:
    """Return the error body of what is not about one field."""
    kind = HTTPStatus(status).phrase.lower().replace(" ", "_")
    return (refuse or error_response)(status, [Violation(kind, (), reason)], headers)


def error_response(
    status: int,
    violations: Iterable[Violation],
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return the error body, at most `LARGEST_BODY` bytes, in ASCII whatever the input held."""
    body = '{"detail":[' + ",".join(map(_written, told(violations))) + "]}"
    return Response(body, status, headers=headers, media_type="application/json")


def told(violations: Iterable[Violation], most_bytes: int = LARGEST_BODY) -> list[Violation]:
    """Return the first few, shortened, that fit into an error's body."""
    items: list[Violation] = []
    size = len('{"detail":[]}')
    for violation in map(_shortened, violations):
        size += len(_written(violation)) + len(",")
        if size > most_bytes:
            break
        items.append(violation)
    return items


def _written(violation: Violation) -> str:
    return json.dumps(asdict(violation), ensure_ascii=True, separators=(",", ":"))


def _shortened(violation: Violation) -> Violation:
    loc = tuple(part[:LONGEST_NAME] if isinstance(part, str) else part for part in violation.loc)
    return Violation(violation.type, loc, violation.msg[:LONGEST_MESSAGE])


def _in_body(violation: Violation) -> Violation:
    return replace(violation, loc=("body", *violation.loc))
