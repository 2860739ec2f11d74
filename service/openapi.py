"""What FastAPI cannot know of the interface: what the guards and the server refuse, and who may call."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import BaseModel

from service.guards.access import HEALTH
from service.guards.deadline import LONGEST

_REFUSED = {
    "400": "The request is not HTTP/1.1, or X-Request-Timeout is no number of milliseconds",
    "431": "The request line and the headers are too large",
    "504": "The time of X-Request-Timeout has gone by",
}
_OVERLOADED = "There is too much to do at once"
_NO_KEY = "A key is needed"

_RETRY_AFTER = {"description": "Seconds after which to come again", "schema": {"type": "integer"}}
_CHALLENGE = {"description": "Bearer", "schema": {"type": "string"}}

_TIMEOUT = {
    "name": "X-Request-Timeout",
    "in": "header",
    "required": False,
    "description": "Milliseconds that the caller waits; then it gets 504",
    "schema": {"type": "integer", "minimum": 1, "maximum": LONGEST},
}

_KEYS = {
    "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    "bearer": {"type": "http", "scheme": "bearer"},
}


def complete(
    description: dict[str, Any],
    keys_needed: bool,
    open_paths: frozenset[str],
    error_body_at: Callable[[str], type[BaseModel]],
    path_parameters: Mapping[str, list[str]],
) -> dict[str, Any]:
    """Add to FastAPI's description, in place, what holds for every operation; return it.

    `path_parameters` has the values of those that have but a few.
    """
    for path, operations in description["paths"].items():
        body = error_body_at(path).__name__
        for operation in operations.values():
            parameters = operation.setdefault("parameters", [])
            parameters += [_path_parameter(name, path_parameters) for name in re.findall(r"{(\w+)}", path)]
            parameters.append(_TIMEOUT)
            responses = operation["responses"]
            for status, reason in _REFUSED.items():
                responses.setdefault(status, _error(reason, body))
            if path not in HEALTH:
                responses.setdefault("503", _error(_OVERLOADED, body))
                responses["503"].setdefault("headers", {})["Retry-After"] = _RETRY_AFTER
            if keys_needed and path not in open_paths:
                responses["401"] = _error(_NO_KEY, body) | {"headers": {"WWW-Authenticate": _CHALLENGE}}
                operation["security"] = [{name: []} for name in _KEYS]
    if keys_needed:
        description["components"]["securitySchemes"] = _KEYS
    return description


def _error(reason: str, body: str) -> dict[str, Any]:
    schema = {"$ref": f"#/components/schemas/{body}"}
    return {"description": reason, "content": {"application/json": {"schema": schema}}}


def _path_parameter(name: str, values: Mapping[str, list[str]]) -> dict[str, Any]:
    schema = {"type": "string"} | ({"enum": values[name]} if name in values else {})
    return {"name": name, "in": "path", "required": True, "schema": schema}
