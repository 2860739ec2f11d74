"""Which kind of body a request says it brings."""

from fastapi import HTTPException, Request

JSON = "application/json"
CSV = "text/csv"


def media_type(request: Request) -> str:
    """The Content-Type without its parameters, in lower case; empty if there is none."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def unsupported(*accepted: str) -> HTTPException:
    """The 415 that names what is accepted."""
    return HTTPException(415, f"Send the body with Content-Type {' or '.join(accepted)}")


async def require_json(request: Request) -> None:
    """Refuse a body that is not declared JSON."""
    if media_type(request) != JSON:
        raise unsupported(JSON)
