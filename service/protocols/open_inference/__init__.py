"""The Open Inference Protocol V2 (KServe, Triton, MLServer) with Triton's extensions for HTTP.

https://github.com/kserve/open-inference-protocol, and
https://github.com/triton-inference-server/server/tree/main/docs/protocol for the extensions.
"""

import json
import re
from collections.abc import Iterable, Mapping

from fastapi import APIRouter, Depends, Request, Response

from contract.violation import Violation
from service.errors import LARGEST_BODY, told
from service.media_type import JSON
from service.protocols.dialect import Dialect, platform_status
from service.protocols.open_inference import routes
from service.protocols.open_inference.inference import short_cut
from service.protocols.open_inference.metadata import InferenceError
from service.protocols.open_inference.statistics import Statistics
from service.settings import Settings

WORDED = 3
"""Mistakes that the text tells; `details` has more."""


def dialect(settings: Settings) -> Dialect:
    """Return the protocol, with statistics of its own."""
    statistics = Statistics()

    async def provide(request: Request) -> None:
        request.state.statistics = statistics

    router = APIRouter()
    router.include_router(routes.router, dependencies=[Depends(provide)])
    model = settings.model_name
    return Dialect(
        router=router,
        paths=re.compile(r"/v2(/.*)?", re.DOTALL),
        refuse=refuse,
        error_body=InferenceError,
        open_paths=frozenset({"/v2/health/live", "/v2/health/ready"}),
        unpacks=True,
        short_cuts={f"/v2/models/{model}/infer": short_cut(model, statistics)},
    )


def refuse(
    status: int, violations: Iterable[Violation], headers: Mapping[str, str] | None = None
) -> Response:
    """Return the protocol's error; what breaks a rule is a 400 there, as what cannot be read."""
    shown = told(violations, LARGEST_BODY // 2)
    body = {
        "error": "; ".join(each.msg for each in shown[:WORDED]),
        "details": [{"loc": each.loc, "msg": each.msg} for each in shown],
    }
    # clients compare the whole Content-Type
    return Response(json.dumps(body), platform_status(status), headers, JSON)
