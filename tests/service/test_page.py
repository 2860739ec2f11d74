"""The page as the service hands it out: to browsers only, with headers that let nothing else in."""

import re
from collections.abc import Iterator

import httpx
import pytest

from service.routes.page import FILES, PAGE
from tests.running_service import ARTIFACTS, running_service

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"

KEY = "a-key-of-the-one-who-prices-phones-0"

LARGEST = 60 * 1024


@pytest.mark.parametrize("accept", [None, "*/*", "application/json", "text/html;q=0", "text/html;q=0.5, */*"])
def test_programs_are_told_that_it_is_alive(service: httpx.Client, accept: str | None) -> None:
    request = service.build_request("GET", "/", headers={"Accept": accept or "?"})
    if accept is None:
        del request.headers["Accept"]
    assert service.send(request).json() == {"status": "alive"}


@pytest.mark.parametrize("accept", [BROWSER, "text/html", "text/*"])
def test_browsers_are_shown_the_page(service: httpx.Client, accept: str) -> None:
    answer = service.get("/", headers={"Accept": accept})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.content == (PAGE / "index.html").read_bytes()


@pytest.mark.parametrize("path", ["/", *sorted(FILES)])
def test_each_file_lets_in_nothing_from_elsewhere_and_nothing_inline(
    service: httpx.Client, path: str
) -> None:
    headers = service.get(path, headers={"Accept": BROWSER}).raise_for_status().headers
    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    assert policy["default-src"] == policy["frame-ancestors"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer", "the address carries the phone"


def test_what_has_not_changed_is_not_sent_again(service: httpx.Client) -> None:
    first = service.get("/page/main.js")
    again = service.get("/page/main.js", headers={"If-None-Match": first.headers["etag"]})
    assert first.headers["content-type"].startswith("text/javascript")
    assert (again.status_code, again.content) == (304, b"")
    assert first.headers["cache-control"] == "no-cache", "a new release is seen at once"


@pytest.mark.parametrize("asked", ["bytes=x", "bytes=0-3", "bytes=999999-"])
def test_a_file_comes_whole_whatever_range_is_asked_for(service: httpx.Client, asked: str) -> None:
    answer = service.get("/page/main.js", headers={"Range": asked})
    assert answer.status_code == 200
    assert answer.content == (PAGE / "main.js").read_bytes()


def test_caches_tell_the_two_answers_apart(service: httpx.Client) -> None:
    for accept in (BROWSER, "*/*"):
        headers = service.get("/", headers={"Accept": accept}).headers
        assert (headers["vary"], headers["cache-control"]) == ("Accept", "no-cache")


@pytest.mark.parametrize(
    "name", ["nothing.js", "../app.py", "..%2fapp.py", "%2e%2e%2fapp.py", "", "%00", "a/b"]
)
def test_no_other_file_is_handed_out(service: httpx.Client, name: str) -> None:
    answer = service.get(f"/page/{name}")
    assert answer.status_code == 404
    assert answer.json()["detail"][0]["type"] == "not_found"


def test_all_of_it_is_small() -> None:
    sizes = {path.name: path.stat().st_size for path in PAGE.iterdir()}
    assert sum(sizes.values()) < LARGEST, sizes


def test_every_module_is_asked_for_at_once_and_not_one_after_the_other() -> None:
    html = (PAGE / "index.html").read_text()
    for path in PAGE.glob("*.js"):
        assert f'"page/{path.name}"' in html, path.name


def test_it_has_no_inline_code_and_names_no_other_origin() -> None:
    html = (PAGE / "index.html").read_text()
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|javascript:", html)
    namespace = "http://www.w3.org/2000/svg"
    for path in PAGE.iterdir():
        addresses = set(re.findall(r"(?:https?:)?//[\w.-]+\.[a-z]{2,}[^\s\"'`)]*", path.read_text()))
        assert addresses <= {namespace}, path.name


@pytest.fixture(scope="module")
def without_page() -> Iterator[httpx.Client]:
    with running_service(ARTIFACTS, PHONE_PRICE_PAGE="false") as running:
        yield running.client


def test_where_it_is_turned_off_there_is_none(without_page: httpx.Client) -> None:
    assert without_page.get("/", headers={"Accept": BROWSER}).json() == {"status": "alive"}
    assert without_page.get("/page/main.js").status_code == 404


@pytest.fixture(scope="module")
def with_keys() -> Iterator[httpx.Client]:
    with running_service(ARTIFACTS, PHONE_PRICE_API_KEYS=KEY) as running:
        yield running.client


@pytest.mark.parametrize("path", ["/", *sorted(FILES)])
def test_it_is_shown_without_a_key_as_it_asks_for_one(with_keys: httpx.Client, path: str) -> None:
    assert with_keys.get(path, headers={"Accept": BROWSER}).status_code == 200


def test_a_key_is_needed_for_all_that_it_asks(with_keys: httpx.Client) -> None:
    for path in ("/predict", "/explain", "/what-if", "/predict/batch"):
        assert with_keys.post(path, json={}).status_code == 401
    for path in ("/model-info", "/model-card", "/page/nothing.js"):
        assert with_keys.get(path).status_code == 401
