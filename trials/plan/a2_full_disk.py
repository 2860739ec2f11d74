"""The disk is full, or fails, at each call by which training publishes."""

from collections.abc import Iterator

from trials.outcome import Control, Outcome, at_least, exactly
from trials.published import copied_artifacts, next_run_repairs, served_version
from trials.publisher import Way
from trials.system_calls import Call, calls_of_publishing, publish_with_fault

KIND = "chaos"
PASSES = (
    "After ENOSPC or EIO at every write, fsync, rename, mkdir and creation, once or from then on, the old "
    "version or the new one is whole and served, the run fails in words, the next one succeeds and cleans up"
)

ERRORS = ("ENOSPC", "EIO")
FROM_THEN_ON = "+"


def run(long: bool) -> Outcome:
    """Let each call fail, or each 24th: 4 minutes, or 10 s."""
    with copied_artifacts() as artifacts:
        faults = list(_faults(calls_of_publishing(artifacts)))[:: 1 if long else 24]
    broken = silent = wordless = not_repaired = 0
    for call, fault in faults:
        with copied_artifacts() as artifacts:
            old = served_version(artifacts)
            said = publish_with_fault(artifacts, call, fault)
            served = served_version(artifacts)
            broken += served is None
            silent += said is None and served == old
            wordless += said is not None and not _in_words(said, call)
            not_repaired += not next_run_repairs(artifacts)
    return Outcome(
        lines=[
            at_least("faults", len(faults), 150 if long else 7),
            exactly("left without a whole version", broken, 0),
            exactly("failed without a word", silent + wordless, 0),
            exactly("not repaired by the next run", not_repaired, 0),
        ],
        controls=[_careless()],
    )


def _faults(calls: list[Call]) -> Iterator[tuple[str, str]]:
    for call in calls:
        if call.name != "openat" or call.creates:
            for error in ERRORS:
                # opening concerns Python's own files as well, which are not on this disk
                for lasting in [""] if call.name == "openat" else ["", FROM_THEN_ON]:
                    yield call.name, f"error={error}:when={call.number}{lasting}"


def _in_words(said: str, call: str) -> bool:
    """Whether it is one line of an error; where nothing can be written any more, nothing can be said."""
    return (said.startswith("error: ") and said.count("\n") == 1) or (call == "write" and not said)


def _careless() -> Control:
    """A publisher that writes CURRENT in place, and first."""
    with copied_artifacts() as artifacts:
        publish_with_fault(artifacts, "write", "error=ENOSPC:when=1+", way=Way.CARELESS)
        served = served_version(artifacts)
    return Control(
        what="a publisher that writes CURRENT in place", failed=served is None, seen=f"served: {served}"
    )
