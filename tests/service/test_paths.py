"""Each path as HTTP has it, whosever dialect it is: nothing leads elsewhere, HEAD is GET without its body."""

import re

import httpx
import pytest

from service.routes.page import FILES

UNDESCRIBED = ["/docs", "/redoc", "/openapi.json", "/docs/oauth2-redirect", *sorted(FILES)]


def paths(service: httpx.Client, method: str) -> list[str]:
    """Those that are asked by `method`."""
    described = service.get("/openapi.json").json()["paths"]
    found = [path for path, operations in described.items() if method in operations]
    assert len(found) > 5
    named = [re.sub("{model}", "phone-price", path) for path in found]
    return [re.sub("{version}", "1", path) for path in named]


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_slash_too_many_leads_nowhere(service: httpx.Client, method: str) -> None:
    undescribed = UNDESCRIBED if method == "get" else []
    for path in [*undescribed, *paths(service, method)]:
        if path in ("/", "/v2"):  # Triton's own metadata has both
            continue
        answer = service.request(method, path + "/", headers={"Host": "evil.example"})
        assert (answer.status_code, answer.headers.get("location")) == (404, None), path
