"""A query parameter that a path does not have is refused: misspelt, it would change nothing, unseen."""

from typing import Any

import httpx
import pytest

from contract.phone import EXAMPLE
from tests.service.test_bad_input import checked_refusal
from tests.service.test_openapi import DIALECTS

PAGE = "page"


def described(service: httpx.Client, *, own: bool) -> list[tuple[str, str]]:
    """Return method and path of each of the service's own routes, or other platforms', but the page's."""
    description: dict[str, Any] = service.get("/openapi.json").json()
    return [
        (method.upper(), path)
        for path, item in description["paths"].items()
        for method, operation in item.items()
        if PAGE not in operation["tags"] and DIALECTS.isdisjoint(operation["tags"]) == own
    ]


def asked(service: httpx.Client, method: str, path: str) -> httpx.Response:
    return service.request(method, path, json=EXAMPLE if method == "POST" else None)


def test_an_unknown_parameter_is_refused_on_every_route_of_its_own(service: httpx.Client) -> None:
    routes = described(service, own=True)
    assert len(routes) == 10
    for method, path in routes:
        for query in ("onerror=skip", "onerror=", "onerror", "onerror=skip&onerror=fail"):
            (violation,) = checked_refusal(asked(service, method, f"{path}?{query}"), 422)
            assert violation["type"] == "unknown_parameter"
            assert violation["loc"] == ["query", "onerror"]
            has_it = path == "/predict/batch"
            assert ("did you mean on_error?" if has_it else "this path has none") in str(violation["msg"])


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("KEEP=all", "No such query parameter: did you mean keep?"),
        ("kepp=all", "No such query parameter: did you mean keep?"),
        ("rows=3", "No such query parameter: this path has keep and on_error; remove it"),
        ("ram=3", "No such query parameter: this path has keep and on_error; remove it"),
        ("=3", "No such query parameter: this path has keep and on_error; remove it"),
    ],
)
def test_it_is_told_what_it_may_have_meant(service: httpx.Client, query: str, told: str) -> None:
    (violation,) = checked_refusal(service.post(f"/predict/batch?{query}", json={"phones": [EXAMPLE]}), 422)
    assert violation["msg"] == told


def test_each_unknown_parameter_is_named_and_what_is_long_is_cut(service: httpx.Client) -> None:
    found = checked_refusal(service.post("/predict?a=1&b=2&a=3", json=EXAMPLE), 422)
    assert [each["loc"] for each in found] == [["query", "a"], ["query", "b"]]
    many = "&".join(f"{number}{'x' * 200}=1" for number in range(100))
    assert 1 < len(checked_refusal(service.post(f"/predict?{many}", json=EXAMPLE), 422)) < 100


@pytest.mark.parametrize("query", ["", "?", "?keep=all", "?keep=all&on_error=skip", "?keep=none&keep=all"])
def test_a_known_parameter_is_taken(service: httpx.Client, query: str) -> None:
    assert service.post(f"/predict/batch{query}", json={"phones": [EXAMPLE]}).status_code == 200


def test_other_platforms_and_links_to_the_page_may_have_what_they_like(service: httpx.Client) -> None:
    plain = {"model": "phone-price", "version": "1", "endpoint": "1", "deployed_model": "1"}
    for method, path in [*described(service, own=False), ("GET", "/"), ("GET", "/page/main.js")]:
        path = path.format(**plain) if "{" in path else path
        answers = [asked(service, method, path + query) for query in ("", "?onerror=skip")]
        assert answers[0].status_code == answers[1].status_code, path
        assert "unknown_parameter" not in answers[1].text
