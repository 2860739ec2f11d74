"""Bytes that are hardly HTTP, heads without end, smuggled and unfinished requests, upgrades with bodies."""

from http.client import HTTPConnection

from trials.bad_requests import phone
from trials.malformed_http import large_heads, malformed_http
from trials.outcome import Control, Outcome, at_least, at_most, exactly
from trials.raw_http import CLOSED, SILENT, Findings, ask_all
from trials.service import Service, serving, variant
from trials.upgrades import conversations, differences

KIND = "fuzz"
PASSES = (
    "At least 60 cases are refused (4xx), ended or, if unfinished, waited for; an upgrade, on every route "
    "and with every framing, changes no answer; memory grows by 32 MiB at most, and the next good request is "
    "answered"
)

LEAST_CASES = 60
REFUSED = (400, 413, 414, 431, CLOSED)
MOST_MEBIBYTES = 32


def run(long: bool) -> Outcome:
    """Ten times all of them, and every upgrade, or once and each fifth: 2 minutes, or 15 s."""
    with serving() as service:
        found, grown = _found(service, 10 if long else 1)
        upgraded = differences(service.port, conversations()[:: 1 if long else 5])
        good_after = _is_answered(service)
    return Outcome(
        lines=[
            at_least("cases", found.asked, LEAST_CASES),
            exactly("other outcomes than are right", len(found.wrong), 0),
            exactly("answers of 500 or more", found.failed, 0),
            at_most("slowest answer", found.slowest, 1.0, "s"),
            at_least("conversations with an upgrade", upgraded.asked, 500 if long else 100),
            exactly("of those not answered twice without it", upgraded.asked - upgraded.answered, 0),
            exactly("answered otherwise than without it", len(upgraded.differing), 0),
            at_most("memory grown", grown, MOST_MEBIBYTES, "MiB"),
            exactly("good requests not answered afterwards", int(not good_after), 0),
        ],
        controls=[_unlimited(), _upgrading()],
        figures={"wrong": found.wrong, "differing": upgraded.differing},
    )


def _unlimited() -> Control:
    with serving(command=variant("unlimited_heads")) as service:
        found = ask_all(service.port, large_heads(), tries=1)
    accepted = [name for name, each in found.answers.items() if each.status not in (*REFUSED, SILENT)]
    return Control(
        what="a server without a limit of heads",
        failed=bool(accepted),
        seen=f"{len(accepted)} of {found.asked} are accepted",
    )


def _upgrading() -> Control:
    with serving(command=variant("upgrades_as_uvicorn")) as service:
        found = differences(service.port, conversations()[1::48], seconds=1.0)
    lost = found.answered == found.asked and bool(found.differing)
    return Control(
        what="a server that upgrades as uvicorn does",
        failed=lost,
        seen=f"{len(found.differing)} of {found.asked} conversations are answered otherwise",
    )


def _found(service: Service, times: int) -> tuple[Findings, float]:
    """Return what was found, and by how many MiB the service has grown."""
    ask_all(service.port, malformed_http()[:40], silence=0.1)
    before = service.resident_bytes()
    found = Findings()
    for _ in range(times):
        found.also(ask_all(service.port, malformed_http(), silence=0.2))
    return found, (service.resident_bytes() - before) / 2**20


def _is_answered(service: Service) -> bool:
    connection = HTTPConnection("127.0.0.1", service.port, timeout=5)
    connection.request("POST", "/predict", phone(), {"Content-Type": "application/json"})
    return connection.getresponse().status == 200
