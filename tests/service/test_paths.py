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


def test_head_is_get_without_the_body(service: httpx.Client) -> None:
    for path in [*UNDESCRIBED, *paths(service, "get"), "/nowhere", "/predict", "/v2/models/none"]:
        for accept in ("*/*", "text/html"):
            got = service.get(path, headers={"Accept": accept})
            head = service.head(path, headers={"Accept": accept})
            assert (head.status_code, head.content) == (got.status_code, b""), path
            assert _lasting(head) == _lasting(got), path


def _lasting(answer: httpx.Response) -> list[tuple[str, str]]:
    """Its headers, without those that each answer has of its own; metrics grow by being asked for."""
    changing = {"date", "x-request-id"} | ({"content-length"} if answer.url.path == "/metrics" else set())
    return sorted((name, value) for name, value in answer.headers.items() if name not in changing)


def test_what_is_asked_by_get_says_that_it_is_asked_by_head(service: httpx.Client) -> None:
    assert service.post("/health").headers["allow"] == "GET, HEAD"
    assert service.put("/docs").headers["allow"] == "GET, HEAD"
    assert service.put("/predict").headers["allow"] == "POST"


@pytest.mark.parametrize("path", ["/", "/docs", "/redoc", "/docs/oauth2-redirect"])
def test_no_page_is_shown_in_a_frame(service: httpx.Client, path: str) -> None:
    headers = service.get(path, headers={"Accept": "text/html"}).raise_for_status().headers
    assert headers["content-type"].startswith("text/html")
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["x-frame-options"] == "DENY"
