"""Whether anything is unpickled by a service that answers everything it can and changes its version."""

import ast
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from contract.bundle import current_version, switch_current
from service.media_type import TABLES
from trials.mutations import valid_bodies
from trials.outcome import Control, Outcome, at_least, exactly
from trials.raw_http import ask, posted, request
from trials.service import ARTIFACTS, PROJECT, Service, serving, variant, wait_until
from trials.versions import two_versions

KIND = "audit"
PASSES = (
    "0 pickle.find_class events in the process that serves; joblib, sklearn, torch, pandas and scipy are not "
    "imported by the default engine, nor is pickle or any of them by the source of its path"
)

PATHS = (
    *("/", "/health", "/model-info", "/model-card", "/metrics", "/openapi.json"),
    *("/v2", "/v2/models/phone-price", "/v2/models/stats", "/v1/models", "/ping", "/version"),
)

FORBIDDEN = {"pickle", "joblib", "sklearn", "torch", "pandas", "scipy", "dill", "cloudpickle", "shelve"}
TORCH_ENGINE = {"service/engine/torch.py", "contract/network.py", "contract/ordinal.py"}
"""What the reference engine needs, which unpickles the scaler once its hash has matched."""


SCORING = "service/scoring/"
"""What a server imports nothing of; on Ray it sends its pieces as Ray sends everything."""

CLIENT = "service/client/"
"""What callers import, and the service does not."""


def run(long: bool) -> Outcome:
    """Everything once, in either form."""
    with tempfile.TemporaryDirectory() as folder:
        answered, notes = _noted(Path(folder))
        scaler = str(ARTIFACTS / current_version(ARTIFACTS) / "scaler.joblib")
        _, unpickling = _noted(Path(folder, "unpickling"), TRIAL_UNPICKLE=scaler)
        _, importing = _noted(Path(folder, "importing"), TRIAL_IMPORT="scipy")
    return Outcome(
        lines=[
            at_least("requests answered", answered, 64),
            exactly("events and imports", len(notes), 0),
            exactly("imports in the source", len(list(_imports())), 0),
        ],
        controls=[
            Control(
                what="a service that unpickles the scaler",
                failed=any("find_class" in note for note in unpickling),
                seen=f"{len(unpickling)} events and imports",
            ),
            Control(
                what="a service that imports scipy",
                failed="imported scipy" in importing,
                seen=f"{len(importing)} events and imports",
            ),
        ],
        figures={"noted": notes, "imports": list(_imports())},
    )


def _noted(folder: Path, **environment: str) -> tuple[int, list[str]]:
    """Return how many requests were answered, and what the service noted."""
    folder.mkdir(exist_ok=True)
    versions = two_versions(folder)
    notes = folder / "notes"
    notes.touch()
    told = environment | {"TRIAL_NOTES": str(notes), "PHONE_PRICE_RELOAD_SECONDS": "0.2"}
    with serving(
        artifacts=versions.artifacts, port=None, workers=1, command=variant("watched"), **told
    ) as service:
        answered = _ask_everything(service)
        switch_current(versions.artifacts, versions.b)
        wait_until(lambda: versions.b.encode() in service.log.read_bytes(), 10)
        answered += _ask_everything(service)
        time.sleep(0.5)  # the variant looks every 0.05 s: what the last answers import is to be noted
    return answered, notes.read_text().splitlines()


def _ask_everything(service: Service) -> int:
    """Ask each route, and for a table of each kind as each other kind; return how many were answered."""
    sent = [request("GET", path) for path in PATHS]
    for body in valid_bodies():
        kinds = TABLES if body.path == "/predict/batch" else ["application/json"]
        length = (
            {} if body.json_length is None else {"Inference_Header_Content_Length": str(body.json_length)}
        )
        sent += [posted(body.path, body.content, body.kind, Accept=kind, **length) for kind in kinds]
    return sum(ask(service.port, each).status == 200 for each in sent)


def _imports() -> Iterator[str]:
    """Return the imports of what may not be imported, in the source of the default engine's path."""
    for path in [*PROJECT.glob("service/**/*.py"), *PROJECT.glob("contract/**/*.py")]:
        name = path.relative_to(PROJECT).as_posix()
        if name not in TORCH_ENGINE and not name.startswith((CLIENT, SCORING)):
            for node in ast.walk(ast.parse(path.read_text())):
                yield from (f"{name}: {each}" for each in _modules(node) if each in FORBIDDEN)


def _modules(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name.partition(".")[0] for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module:
        return [node.module.partition(".")[0]]
    return []
