"""What cannot be is asked for: fields, bodies, tables, types and addresses, each wrong in one way."""

from trials.bad_requests import bad_requests
from trials.outcome import Control, Outcome, at_least, at_most, exactly
from trials.raw_http import Findings, ask_all
from trials.service import serving, variant

KIND = "fuzz"
PASSES = "At least 150 fixed cases have exactly their status; none is 500 or more, or takes over a second"

LEAST_CASES = 150


def run(long: bool) -> Outcome:
    """All of them, in either form: seconds."""
    with serving() as service:
        found = ask_all(service.port, bad_requests())
    with serving(command=variant("no_error_handlers")) as service:
        without = ask_all(service.port, bad_requests()[:60])
    return Outcome(
        lines=[
            at_least("cases", found.asked, LEAST_CASES),
            exactly("other statuses than are right", len(found.wrong), 0),
            exactly("answers of 500 or more", found.failed, 0),
            at_most("slowest answer", found.slowest, 1.0, "s"),
        ],
        controls=[_control(without)],
        figures={"wrong": found.wrong},
    )


def _control(without: Findings) -> Control:
    return Control(
        what="FastAPI's own error handlers",
        failed=without.failed > 0,
        seen=f"{without.failed} of {without.asked} answers are 500",
    )
