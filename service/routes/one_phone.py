"""The one phone in the JSON body of a request."""

from typing import Annotated, TypeAlias

from fastapi import Body, Depends, Request

from contract.phone import EXAMPLE, Specifications, to_specifications
from service.duplicate_fields import refuse_duplicates
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

PLAIN_JSON = [Depends(require_json)]
"""What a route with one phone depends on beside it: FastAPI also takes application/anything+json."""
