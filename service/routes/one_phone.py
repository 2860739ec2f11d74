"""The one phone in the JSON body of a request."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any, TypeAlias

from fastapi import Body, Depends, Request, Response
from fastapi.routing import APIRoute

from contract.phone import EXAMPLE, Specifications, to_specifications
from service.duplicate_fields import refuse_duplicates
from service.guards.body_limit import limited
from service.json_limits import MAX_PHONE_BYTES
from service.json_text import json_text
from service.media_type import require_json
from service.tables.readers.judge import PostedPhone


async def get_phone(
    request: Request,
    phone: Annotated[PostedPhone, Body(openapi_examples={"made-up phone": {"value": EXAMPLE}})],
) -> Specifications:
    """Return the posted phone's specifications: (1, 20)."""
    refuse_duplicates(await request.body())
    return to_specifications([phone])


OnePhone: TypeAlias = Annotated[Specifications, Depends(get_phone)]


class JsonRoute(APIRoute):
    """A route for one phone in JSON alone, as the head says, before the body is asked for.

    FastAPI also takes application/anything+json, and reads the body before any dependency.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return FastAPI's own, behind a look at the Content-Type and a limit of the body."""
        handle = super().get_route_handler()

        async def handle_json(request: Request) -> Response:
            require_json(request)
            receive = limited(request.receive, request.scope, MAX_PHONE_BYTES)
            request = Request(request.scope, receive)
            json_text(await request.body())  # FastAPI's parser would take UTF-16
            return await handle(request)

        return handle_json
