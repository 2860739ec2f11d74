"""GET /: the web page for browsers, a sign of life for programs; and the files of the page."""

from pathlib import Path

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import JSONResponse
from starlette.staticfiles import StaticFiles

from service.dependencies import CurrentSettings
from service.media_type import prefers_html
from service.routes.health import Alive

PAGE = Path(__file__).parents[1] / "page"

FILES = frozenset(f"/page/{path.name}" for path in PAGE.iterdir())

HEADERS = {
    "Cache-Control": "no-cache",  # asked for again each time, and answered 304 where nothing has changed
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Vary": "Accept",
    "X-Content-Type-Options": "nosniff",
}

router = APIRouter(tags=["page"])

_files = StaticFiles(directory=PAGE)


@router.get(
    "/",
    response_model=Alive,
    responses={200: {"content": {"text/html": {"schema": {"type": "string"}}}}},
)
async def root(request: Request, settings: CurrentSettings) -> Response:
    """Show the web page to what asks for HTML, and tell all else that the process is alive."""
    if settings.page and prefers_html(request):
        return await _file("index.html", request)
    return JSONResponse(Alive().model_dump(), headers=HEADERS)


@router.get("/page/{name}", include_in_schema=False)
async def file(name: str, request: Request, settings: CurrentSettings) -> Response:
    """Return a file of the page."""
    if not settings.page:
        raise HTTPException(404)
    return await _file(name, request)


async def _file(name: str, request: Request) -> Response:
    # whole files only: they are small, and starlette's refusals of a range have another body than ours
    request.scope["headers"] = [header for header in request.scope["headers"] if header[0] != b"range"]
    response = await _files.get_response(name, request.scope)
    response.headers.update(HEADERS)
    return response
