"""Which kinds of body there are, which one a request brings, and which one it wants."""

from collections.abc import Sequence

from fastapi import HTTPException, Request

HTML = "text/html"
JSON = "application/json"
CSV = "text/csv"
NDJSON = "application/x-ndjson"
ARROW = "application/vnd.apache.arrow.stream"
ARROW_FILE = "application/vnd.apache.arrow.file"
PARQUET = "application/vnd.apache.parquet"

TABLES = (JSON, CSV, NDJSON, ARROW, PARQUET)
"""What the service takes and gives."""


def media_type(request: Request) -> str:
    """The Content-Type without its parameters, in lower case; empty if there is none."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def preferred(request: Request, kinds: Sequence[str] = TABLES) -> str:
    """The first of `kinds` that Accept ranks highest, or of all if it does not say. Raises 406 if none is."""
    accepted = qualities(",".join(request.headers.getlist("accept")) or "*/*")
    ranked = sorted(kinds, key=lambda kind: -_quality(kind, accepted))  # the sort keeps the order of equals
    if not _quality(ranked[0], accepted):
        raise HTTPException(406, f"The answer is to be had as {' or '.join(kinds)}")
    return ranked[0]


def prefers_html(request: Request) -> bool:
    """Whether Accept ranks HTML above JSON, as browsers do; what takes anything takes JSON."""
    accepted = qualities(",".join(request.headers.getlist("accept")) or "*/*")
    return _quality(HTML, accepted) > _quality(JSON, accepted)


def unsupported(*accepted: str) -> HTTPException:
    """The 415 that names what is accepted, to programs by Accept: RFC 9110, 12.5.1 and 15.5.16."""
    told = f"Send the body with Content-Type {' or '.join(accepted)}"
    return HTTPException(415, told, {"Accept": ", ".join(accepted)})


def require_json(request: Request) -> None:
    """Refuse a body that is not declared JSON."""
    if media_type(request) != JSON:
        raise unsupported(JSON)


def qualities(header: str) -> dict[str, float]:
    """Read how much is wanted of what, as in `text/csv;q=0.5, */*;q=0.1`: RFC 9110, 12.5.1."""
    accepted = {}
    for item in header.split(","):
        kind, *parameters = (part.strip().lower() for part in item.split(";"))
        weights = [parameter[2:] for parameter in parameters if parameter.startswith("q=")]
        try:
            accepted[kind] = float(weights[0]) if weights else 1.0
        except ValueError:
            accepted[kind] = 0.0
    return accepted


def _quality(kind: str, accepted: dict[str, float]) -> float:
    """How much this kind is wanted: the most specific range that covers it says so."""
    ranges = (kind, f"{kind.partition('/')[0]}/*", "*/*")
    return next((accepted[each] for each in ranges if each in accepted), 0.0)
