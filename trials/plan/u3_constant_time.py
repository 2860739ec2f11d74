"""Keys are compared: how the source does it, and how long it takes for keys that are almost right."""

import ast
import secrets
import statistics
import time
from pathlib import Path

import service.guards.keys
from service.guards.keys import Keyring
from service.settings import Settings
from trials.outcome import Control, Outcome, exactly

KIND = "audit"
PASSES = "Only hmac.compare_digest, on SHA-256 digests, all keys always; the times are told, not judged"

ALLOWED = {"hashlib.sha256(key).digest", "hashlib.sha256", "hmac.compare_digest"}


def run(long: bool) -> Outcome:
    """Read the source; time 20,000 comparisons, or 2,000."""
    source = Path(service.guards.keys.__file__).read_text()
    careless = _others(source.replace("hmac.compare_digest(known, digest)", "known == digest"))
    return Outcome(
        lines=[exactly("other operations on keys", _others(source), 0)],
        controls=[Control(what="== on keys", failed=careless > 0, seen=f"{careless} found")],
        figures={"nanoseconds": _times(20_000 if long else 2_000)},
    )


def _others(source: str) -> int:
    """Count what is done in comparing that is not allowed: other calls, comparisons, and early ends."""
    functions = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)]
    inside = [node for function in functions if function.name == "_has" for node in ast.walk(function)]
    calls = [ast.unparse(node.func) for node in inside if isinstance(node, ast.Call)]
    early = [node for node in inside if isinstance(node, ast.Compare | ast.Break | ast.If | ast.BoolOp)]
    missing = ALLOWED - set(calls)
    return len([call for call in calls if call not in ALLOWED]) + len(early) + len(missing)


def _times(times: int) -> dict[str, float]:
    """Return the median time for keys that differ in the first byte, in the last, and not at all."""
    key = secrets.token_hex(32)
    keyring = Keyring(Settings(api_keys=key))
    candidates = {"first byte": "x" + key[1:], "last byte": key[:-1] + "x", "right": key}
    return {name: _median(keyring, candidate.encode(), times) for name, candidate in candidates.items()}


def _median(keyring: Keyring, key: bytes, times: int) -> float:
    scope = {"headers": [(b"x-api-key", key)]}
    taken = []
    for _ in range(times):
        start = time.perf_counter_ns()
        keyring.admits(scope)
        taken.append(time.perf_counter_ns() - start)
    return statistics.median(taken)
