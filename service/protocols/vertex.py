"""Vertex AI's custom containers, which its AIP_ variables tell where they are asked.

https://cloud.google.com/vertex-ai/docs/predictions/custom-container-requirements
"""

import re
from typing import Any

from fastapi import APIRouter, Depends, HTTPException, Request, Response

from service.dependencies import CurrentSettings, LoadedPredictor, refuse_while_draining
from service.guards.access import HEALTH
from service.platform import DEPLOYED_MODEL, vertex_routes
from service.protocols.dialect import Dialect
from service.protocols.error_text import ErrorText, refuse
from service.protocols.instances import REFUSED, PredictedInstances, answer_instances, described_body
from service.protocols.one_instance import short_cut
from service.settings import Settings

NAMES = ("instances",)
"""What a list of phones is called."""


def dialect(_: Settings) -> Dialect:
    """Return what Vertex speaks, at the routes that it tells."""
    predict_route, health_route = vertex_routes()
    router = APIRouter(tags=["Vertex AI"])
    router.add_api_route(predict_route, predict, methods=["POST"], summary="Predict", **_PREDICT)
    if health_route not in HEALTH:
        router.add_api_route(health_route, health, summary="Whether it can predict", **_HEALTH)
    return Dialect(
        router=router,
        paths=re.compile(f"{_pattern(predict_route)}|{_pattern(health_route)}"),
        refuse=refuse,
        error_body=ErrorText,
        open_paths=frozenset({health_route} - {DEPLOYED_MODEL}),
        short_cuts={predict_route: short_cut(predict_route)},
    )


async def health(request: Request, _: LoadedPredictor) -> dict[str, Any]:
    """Answer 200 when the service can predict, else 503."""
    if request.url.path.endswith(":predict"):  # asked for by GET: the name of a model has no verb
        raise HTTPException(405, headers={"Allow": "POST"})
    return {}


async def predict(request: Request, predictor: LoadedPredictor, settings: CurrentSettings) -> Response:
    """Say in which price ranges phones sell: objects by name, or lists in the order of /model-info.

    Whatever the Content-Type says, the body is JSON; other fields than instances are ignored.
    """
    return answer_instances(request, predictor, settings, NAMES)


_HEALTH: dict[str, Any] = {"dependencies": [Depends(refuse_while_draining)]}

_PREDICT: dict[str, Any] = {
    "response_class": Response,
    "responses": REFUSED | {200: {"model": PredictedInstances}},
    "openapi_extra": described_body(NAMES),
}


def _pattern(route: str) -> str:
    return re.sub(r"\\{\w+\\}", "[^/]+", re.escape(route))
