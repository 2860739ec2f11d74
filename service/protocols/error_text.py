"""The error of platforms that know only a text: {"error": ...}."""

import json
from collections.abc import Iterable, Mapping

from fastapi import Response
from pydantic import BaseModel

from contract.violation import Violation
from service.errors import told
from service.media_type import JSON
from service.protocols.dialect import platform_status


class ErrorText(BaseModel):
    """What every refusal looks like."""

    error: str


def refuse(
    status: int, violations: Iterable[Violation], headers: Mapping[str, str] | None = None
) -> Response:
    """Return the error; what breaks a rule is a 400 there, as what cannot be read."""
    body = {"error": "; ".join(each.msg for each in told(violations))}
    return Response(json.dumps(body), platform_status(status), headers, JSON)
