"""Bytes that are hardly HTTP: contradicting lengths, heads without end, smuggled and unfinished requests."""

from http.client import HTTPConnection

from trials.bad_requests import phone
from trials.malformed_http import malformed_http
from trials.outcome import Control, Outcome, at_least, at_most, exactly
from trials.raw_http import Findings, ask_all
from trials.service import Service, serving, variant

KIND = "fuzz"
PASSES = (
    "At least 60 cases are refused (4xx), ended or, if unfinished, waited for; memory grows by 32 MiB at "
    "most, and the next good request is answered"
)

LEAST_CASES = 60
MOST_MEBIBYTES = 32


def run(long: bool) -> Outcome:
    """Ten times all of them, or once: half a minute, or 10 s."""
    with serving() as service:
        found, grown = _found(service, 10 if long else 1)
        good_after = _is_answered(service)
    with serving(command=variant("unlimited_heads")) as service:
        without, without_grown = _found(service, 1)
    return Outcome(
        lines=[
            at_least("cases", found.asked, LEAST_CASES),
            exactly("other outcomes than are right", len(found.wrong), 0),
            exactly("answers of 500 or more", found.failed, 0),
            at_most("slowest answer", found.slowest, 1.0, "s"),
            at_most("memory grown", grown, MOST_MEBIBYTES, "MiB"),
            exactly("good requests not answered afterwards", int(not good_after), 0),
        ],
        controls=[
            Control(
                what="a server without a limit of heads",
                failed=bool(without.wrong) or without_grown > MOST_MEBIBYTES,
                seen=f"{len(without.wrong)} wrong outcomes, {without_grown:.0f} MiB more",
            )
        ],
        figures={"wrong": found.wrong},
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
