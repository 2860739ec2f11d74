"""Every route is asked for without a key, with one that is almost right, and in 10,000 odd ways."""

import random
from collections.abc import Iterator
from itertools import product

from trials.bad_requests import phone
from trials.outcome import Control, Outcome, at_least, exactly
from trials.raw_http import Answer, Exchange, ask, request
from trials.service import Service, serving

KIND = "fuzz"
PASSES = (
    "401 always, with the same body in each dialect; of 10,000 random requests without a key none is "
    "answered with 2xx"
)

KEY = "a-key-of-the-one-who-prices-phones-0"

PREDICTING = (
    "/v2/models/phone-price/infer",
    "/v1/models/phone-price:predict",
    "/v1/endpoints/1/deployedModels/2:predict",
    "/invocations",
)
"""Where other platforms ask."""

ROUTES = [
    ("POST", "/predict"),
    ("POST", "/predict/batch"),
    ("POST", "/explain"),
    ("POST", "/what-if"),
    *(("POST", path) for path in PREDICTING),
    ("POST", "/v1/models/phone-price:explain"),
    ("GET", "/v1/models"),
    ("GET", "/v2"),
    ("GET", "/v2/models/phone-price"),
    ("GET", "/v2/models/stats"),
    ("POST", "/v2/repository/index"),
    ("POST", "/v2/health/live/../../models/phone-price/infer"),
    ("GET", "/version"),
    ("GET", "/execution-parameters"),
    ("GET", "/model-info"),
    ("GET", "/model-card"),
    ("GET", "/metrics"),
    ("GET", "/docs"),
    ("GET", "/openapi.json"),
    ("GET", "/page/nothing.js"),
    ("GET", "/page/../metrics"),
    ("GET", "/nowhere"),
    ("GET", "/predict"),
    ("DELETE", "/predict"),
    ("OPTIONS", "/predict"),
    ("POST", "//predict"),
    ("POST", "/%70redict"),
    ("POST", "/predict/"),
    ("GET", "/health/../model-info"),
    ("GET", "/health/live/../../metrics"),
    ("GET", "//health"),
    ("POST", f"/predict?X-API-Key={KEY}"),
    ("GET", f"/model-info?api_key={KEY}"),
    ("GET", "http://127.0.0.1/model-info"),
]

ALMOST: dict[str, dict[str, str | bytes]] = {
    "none": {},
    "empty": {"X_API_Key": ""},
    "wrong": {"X_API_Key": "b" * 36},
    "a prefix": {"X_API_Key": KEY[:-1]},
    "one more": {"X_API_Key": KEY + "0"},
    "upper case": {"X_API_Key": KEY.upper()},
    "not ASCII": {"X_API_Key": b"\xff" * 36},
    "a NUL": {"X_API_Key": KEY.encode() + b"\x00"},
    "64 kB": {"X_API_Key": "a" * 65_536},
    "a cookie": {"Cookie": f"X-API-Key={KEY}"},
    "basic": {"Authorization": f"Basic {KEY}"},
    "without a scheme": {"Authorization": KEY},
    "an empty bearer": {"Authorization": "Bearer"},
    "twice": {"X_API_Key": KEY.encode() + b"\r\nX-API-Key: " + KEY.encode()},
    "a strange host": {"Host": f"{KEY}@127.0.0.1"},
    "another name": {"X_Api_Keys": KEY},
}

NOT_HTTP = {"a NUL": 400, "64 kB": 431, "a strange host": 400}
"""What the server refuses before anybody looks at a key."""

_TYPE = {"Content_Type": "application/json"}

WORDS = [
    *"/%.?#&=:;@\\~ aZ09",
    "predict",
    "batch",
    "model-info",
    "metrics",
    "v2",
    "v1",
    "models",
    "..",
    "%2e",
    "%00",
    "health",
]
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE"]
OPEN = {"/", "/health", "/health/live", "/health/ready", "/ping", "/v2/health/live", "/v2/health/ready"}


def run(long: bool) -> Outcome:
    """The matrix, and 10,000 random requests, or 500."""
    with serving(PHONE_PRICE_API_KEYS=KEY) as service:
        others, bodies, asked = _matrix(service)
        random_asked, random_2xx, random_5xx = _random(service, 10_000 if long else 500)
        admitted = _status(service, "/predict", X_API_Key=KEY)
    with serving() as service:
        taken, *_ = _matrix(service)
    return Outcome(
        lines=[
            at_least("routes times keys", asked, 300),
            exactly("not refused as they should be", others, 0),
            exactly("different bodies of 401, one for each shape of error", bodies, 4),
            at_least("random requests", random_asked, 10_000 if long else 500),
            exactly("of those answered with 2xx", random_2xx, 0),
            exactly("of those answered with 5xx", random_5xx, 0),
            exactly("status with the key", admitted, 200),
        ],
        controls=[Control(what="a service without keys", failed=taken > 0, seen=f"{taken} are not refused")],
    )


def _matrix(service: Service) -> tuple[int, int, int]:
    """Return how many were not refused, how many bodies there were, and how many were asked."""
    others, bodies, asked = 0, set(), 0
    for (method, path), (what, headers) in product(ROUTES, ALMOST.items()):
        answer = ask(service.port, request(method, path, phone(), **_TYPE, **headers))
        right = NOT_HTTP.get(what, 401)
        others += answer.status != right
        asked += 1
        if answer.status == 401:
            bodies.add(answer.body)
    return others, len(bodies), asked


def _random(service: Service, count: int) -> tuple[int, int, int]:
    """Return how many were asked, and how many got 2xx and 5xx."""
    answers = [ask(service.port, exchange.sent) for exchange in _random_requests(count)]
    return len(answers), sum(_is(answer, 2) for answer in answers), sum(_is(answer, 5) for answer in answers)


def _random_requests(count: int) -> Iterator[Exchange]:
    chosen = random.Random(7)  # noqa: S311 - to be repeated
    while count:
        path = "/" + "".join(chosen.choices(WORDS, k=chosen.randrange(8)))
        headers = chosen.choice(list(ALMOST.values()))
        # spaces at its end are not part of it
        if path.partition("?")[0].partition("#")[0].rstrip(" ") not in OPEN:
            count -= 1
            sent = request(chosen.choice(METHODS), path, phone(), Connection="close", **_TYPE, **headers)
            yield Exchange(path, sent, (401,))


def _is(answer: Answer, hundreds: int) -> bool:
    return answer.status // 100 == hundreds


def _status(service: Service, path: str, **headers: str | bytes) -> int:
    return ask(service.port, request("POST", path, phone(), **_TYPE, **headers)).status
