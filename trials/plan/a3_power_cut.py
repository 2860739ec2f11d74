"""The power is cut, or the process killed, at each call by which training publishes."""

import re
import shutil
from collections.abc import Iterable
from pathlib import Path

from trials.outcome import Control, Outcome, at_least, exactly
from trials.power_cut import replay, write
from trials.published import copied_artifacts, next_run_repairs, served_version
from trials.publisher import Way
from trials.system_calls import Call, calls_of_publishing, publish_with_fault

KIND = "chaos"
PASSES = (
    "After SIGKILL at every call, and in every state that a disk may be in after a power cut, the old "
    "version or the new one is whole and served; files are synced, then folders, then named, then the name is"
)

ORDER = re.compile(r"(WF)+D+RD(WFRD)+")
"""Write each file and wait for it, wait for their folders, rename, wait for that; then the pointers."""


def run(long: bool) -> Outcome:
    """Kill at each call, and replay after each: 2 minutes; or each sixteenth: 10 s."""
    with copied_artifacts() as artifacts:
        before = Path(shutil.copytree(artifacts, artifacts.with_name("before")))
        calls = calls_of_publishing(artifacts)
        states, broken = _replayed(before, artifacts, calls, 1 if long else 8)
        no_sync = [call for call in calls if call.name != "fsync"]
        unsynced, unsynced_broken = _replayed(before, artifacts, no_sync, 4)
    killed = calls[:: 1 if long else 16]
    not_whole, not_repaired = _killed(killed)
    return Outcome(
        lines=[
            at_least("kills", len(killed), 75 if long else 5),
            exactly("left without a whole version", not_whole, 0),
            exactly("not repaired by the next run", not_repaired, 0),
            at_least("states after a power cut", states, 500 if long else 50),
            exactly("states without a whole version", broken, 0),
            exactly("calls out of order", int(not ORDER.fullmatch(_order(calls))), 0),
        ],
        controls=[
            Control(
                what="the same calls without fsync",
                failed=unsynced_broken > 0,
                seen=f"{unsynced_broken} of {unsynced} states have no whole version",
            ),
            _careless(),
        ],
        figures={"order": _order(calls)},
    )


def _killed(calls: Iterable[Call]) -> tuple[int, int]:
    """Return how often nothing was whole afterwards, and how often the next run did not repair it."""
    not_whole = not_repaired = 0
    for call in calls:
        with copied_artifacts() as artifacts:
            publish_with_fault(artifacts, call.name, f"signal=KILL:when={call.number}")
            not_whole += served_version(artifacts) is None
            not_repaired += not next_run_repairs(artifacts)
    return not_whole, not_repaired


def _replayed(before: Path, called: Path, calls: Iterable[Call], step: int) -> tuple[int, int]:
    """Return how many states there were, one of `step` tried, and in how many nothing was whole."""
    tried = broken = 0
    after = before.with_name("after")
    for number, state in enumerate(replay(before, called, calls)):
        if number % step == 0:
            write(state, after)
            tried += 1
            broken += served_version(after) is None
            shutil.rmtree(after)
    return tried, broken


def _order(calls: Iterable[Call]) -> str:
    """A letter for each call: Write, fsync of a File or of a Directory, Rename."""
    written = {call.path for call in calls if call.name == "write"}
    letters = {"write": "W", "rename": "R"}
    return "".join(
        ("F" if call.path in written else "D") if call.name == "fsync" else letters.get(call.name, "")
        for call in calls
    )


def _careless() -> Control:
    """A publisher that names first and writes after."""
    with copied_artifacts() as artifacts:
        publish_with_fault(artifacts, "write", "signal=KILL:when=5", way=Way.CARELESS)
        served = served_version(artifacts)
    return Control(
        what="a publisher that names first and writes after", failed=served is None, seen=f"served: {served}"
    )
