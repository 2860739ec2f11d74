"""What answers to bad input, and the log meanwhile, tell of the inside, of keys and of values."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from trials.bad_requests import CANARY, bad_requests
from trials.malformed_http import malformed_http
from trials.outcome import Control, Outcome, at_least, at_most, exactly
from trials.raw_http import Answer, Exchange, ask_all
from trials.service import PROJECT, Service, serving, variant, wait_until

KIND = "fuzz"
PASSES = (
    "No traceback, path, name of a library, key or value that was sent in any answer or line; errors have at "
    "most 8 KiB; the log has one line for each request, without control bytes"
)

KEY = "S3cr3tKey-0123456789-0123456789-0123456789"
MOST_BYTES = 8 * 1024

SECRETS = ("Traceback", CANARY, KEY)
LIBRARIES = ("uvicorn", "starlette", "fastapi", "pydantic", "msgspec", "httptools", "onnxruntime", "pyarrow")
INSIDE = (*SECRETS, *LIBRARIES, 'File "', "site-packages", ".py", str(PROJECT))

CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def run(long: bool) -> Outcome:
    """All of them, in either form: 15 s."""
    asked = list(_with_key_and_id(bad_requests()))
    with serving(PHONE_PRICE_API_KEYS=KEY, PHONE_PRICE_LOG_FORMAT="json") as service:
        answers = ask_all(service.port, [*asked, *malformed_http()], silence=0.1, tries=1).answers
        log = _log(service, asked[-1].name)
    with serving(command=variant("no_error_handlers")) as service:
        without = _telling(ask_all(service.port, bad_requests()[:60]).answers)
    ids = Counter(line.get("id") for line in _parsed(log))
    return Outcome(
        lines=[
            at_least("answers", len(answers), 400),
            exactly("answers that tell of the inside", len(_telling(answers)), 0),
            at_most("longest answer", max(len(each.body) for each in answers.values()), MOST_BYTES, "bytes"),
            exactly("requests without exactly one line", sum(ids[each.name] != 1 for each in asked), 0),
            exactly("lines that tell secrets", sum(_holds(line, SECRETS) for line in log), 0),
            exactly("lines that are no JSON", len(log) - len(_parsed(log)), 0),
            exactly("lines with control bytes", sum(CONTROL.search(line) is not None for line in log), 0),
        ],
        controls=[
            Control(
                what="FastAPI's own error handlers",
                failed=bool(without),
                seen=f"{len(without)} of 60 answers tell of the inside",
            )
        ],
        figures={"telling": _telling(answers)[:10]},
    )


def _with_key_and_id(exchanges: Iterable[Exchange]) -> Iterator[Exchange]:
    host = b"\r\nHost: 127.0.0.1"
    for number, exchange in enumerate(exchanges):
        added = f"\r\nX-API-Key: {KEY}\r\nX-Request-ID: B5-{number}".encode()
        if isinstance(exchange.sent, bytes):
            yield Exchange(f"B5-{number}", exchange.sent.replace(host, host + added, 1), exchange.right)


def _log(service: Service, last: str) -> list[str]:
    """Return the lines, once that of the request with the id `last` is there."""
    wait_until(lambda: f'"{last}"'.encode() in service.log.read_bytes(), 5)
    return service.log.read_text(errors="replace").splitlines()


def _parsed(lines: Iterable[str]) -> list[dict[str, Any]]:
    parsed = []
    for line in lines:
        with suppress(ValueError):
            parsed.append(json.loads(line))
    return parsed


def _telling(answers: Mapping[str, Answer]) -> list[str]:
    return [name for name, each in answers.items() if _holds(each.received.decode("latin-1"), INSIDE)]


def _holds(text: str, words: Iterable[str]) -> bool:
    return any(word in text for word in words)
