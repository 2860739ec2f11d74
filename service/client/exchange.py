"""What goes between client and service: where to, with which key, and what is no answer."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar
from urllib.request import getproxies, proxy_bypass

import httpx
import msgspec

from contract.violation import Violation
from service.client.errors import AnswerError, DeadlineError, RefusalError, UnavailableError

KEY_VARIABLE = "PHONE_PRICE_API_KEY"

ENCODING = "gzip"
"""The Content-Encoding that is asked for: zlib unpacks it within bounds, as httpx does not."""

Type = TypeVar("Type")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, whole."""

    status: int
    headers: httpx.Headers
    content: bytes

    @property
    def media_type(self) -> str:
        """The Content-Type without its parameters."""
        content_type: str = self.headers.get("content-type", "")
        return content_type.partition(";")[0].strip()


class _ErrorBody(msgspec.Struct):
    detail: tuple[Violation, ...]


def checked_url(url: str) -> httpx.URL:
    """Return where the service is. Raises `ValueError`, which does not repeat it: it may hold a password."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        parsed = httpx.URL()
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise ValueError("url must be one as http://127.0.0.1:8000")
    return parsed


def checked_key(api_key: str | None) -> str:
    """Return the key, that of the environment where None is given; empty for none. Raises `ValueError`."""
    key = (os.environ.get(KEY_VARIABLE, "") if api_key is None else api_key).strip()
    if not (key.isascii() and key.isprintable()):
        raise ValueError("api_key must be printable ASCII, on one line")
    return key


def headers_with(key: str) -> dict[str, str]:
    """Return the headers of every request."""
    return {"Accept-Encoding": ENCODING} | ({"X-API-Key": key} if key else {})


@contextmanager
def named_failures(way: str) -> Iterator[None]:
    """Give what httpx raises the names of this client; `way` tells where and through what it asked."""
    try:
        yield
    except httpx.TimeoutException as error:
        raise DeadlineError(f"No answer in time from {way}: {_reason(error)}") from None
    except (httpx.NetworkError, httpx.RemoteProtocolError, httpx.ProxyError) as error:
        raise UnavailableError(_no_connection(way, _reason(error))) from None
    except UnicodeError:  # of a host that no name server can be asked for
        raise UnavailableError(_no_connection(way, "its host has no name")) from None
    except httpx.RequestError as error:
        raise AnswerError(f"What came is no answer: {_reason(error)}") from None


def checked(answer: Answer) -> Answer:
    """Return the answer if it is one. Raises the `ServiceError` that its status stands for."""
    status = answer.status
    if status == httpx.codes.OK:
        return answer
    violations = _violations(answer.content)
    told = "; ".join(each.msg for each in violations)
    text = f"{status} {httpx.codes.get_reason_phrase(status)}" + (f": {told}" if told else "")
    if status in (httpx.codes.SERVICE_UNAVAILABLE, httpx.codes.TOO_MANY_REQUESTS):
        raise UnavailableError(text, _seconds(answer.headers.get("retry-after", "")))
    if status == httpx.codes.GATEWAY_TIMEOUT:
        raise DeadlineError(text)
    if httpx.codes.is_client_error(status):
        raise RefusalError(told or text, status, violations)
    raise AnswerError(text)


def from_json(kind: type[Type], answer: Answer) -> Type:
    """Return what the answer says. Raises `AnswerError` if that is something else."""
    try:
        return msgspec.json.decode(answer.content, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise no_answer(answer, str(error)) from None


def no_answer(answer: Answer, why: str) -> AnswerError:
    """Return what says that this is no answer of the service, although it looks like one."""
    came = answer.media_type or "no Content-Type"
    return AnswerError(f"{answer.status}, but no answer of the service: {came}, {why}")


def _violations(content: bytes) -> tuple[Violation, ...]:
    """Return what an error's body tells; that of a proxy tells nothing."""
    try:
        return msgspec.json.decode(content, type=_ErrorBody).detail
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ()


def _seconds(retry_after: str) -> float | None:
    """Read Retry-After; a date, which the service never sends, counts as nothing."""
    return float(retry_after) if retry_after.isascii() and retry_after.isdigit() else None


def way_to(url: httpx.URL, proxied: bool) -> str:
    """Tell where the service is, and by which proxy of the environment it is asked, if it is by one."""
    service = f"the service at {_place(url)}"
    if proxied and (proxy := _proxy_for(url)):
        return f"{service} through the proxy at {_place(proxy)}, which the environment names"
    return service


def _proxy_for(url: httpx.URL) -> httpx.URL | None:
    """Return the proxy that HTTP_PROXY, HTTPS_PROXY or ALL_PROXY name, unless NO_PROXY has the host."""
    proxies = getproxies()
    found = proxies.get(url.scheme) or proxies.get("all")
    if not found or proxy_bypass(url.host):
        return None
    return httpx.URL(found if "://" in found else f"http://{found}")


def _no_connection(way: str, why: str) -> str:
    return f"There is no connection to {way}: {why}"


def _place(url: httpx.URL) -> str:
    """Write host and port; netloc leaves out the name and password that a url may hold."""
    told = url.netloc.decode()
    return told if url.port else f"{told}:{443 if url.scheme == 'https' else 80}"


def _reason(error: httpx.RequestError) -> str:
    return str(error) or type(error).__name__
