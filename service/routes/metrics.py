"""GET /metrics, for Prometheus."""

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST

from service.dependencies import CurrentMetrics

router = APIRouter(tags=["operation"])


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
async def metrics(counted: CurrentMetrics) -> Response:
    """Tell requests, batches, predictions and the process in Prometheus' text format."""
    return Response(counted.exposition(), media_type=CONTENT_TYPE_LATEST)
