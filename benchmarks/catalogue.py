"""The peers: ours, what tutorials do, three serving frameworks, and two bounds of what is possible."""

from collections.abc import Callable
from typing import Any

from benchmarks.errors import BenchmarkError
from benchmarks.peer import PROGRAMS, Peer
from benchmarks.phones import ARTIFACTS, PhoneObject, row
from contract.bundle import current_version

SERVING = "serving.txt"
"""What is installed where ours is deployed: nothing of training."""

MODEL = {"MODEL": str(ARTIFACTS / current_version(ARTIFACTS) / "model.onnx")}


def ours(workers: int = 1) -> Peer:
    """Return our own service, started as the README has it."""
    return Peer(
        name="ours",
        title="ours" if workers == 1 else f"ours, {workers} workers",
        module="service.app",
        arguments=lambda port: ["-m", "service", "serve", "--port", str(port), "--workers", str(workers)],
        environment={"PHONE_PRICE_ACCESS_LOG": "false", "PHONE_PRICE_ARTIFACTS": str(ARTIFACTS)},
        probabilities=lambda answer: answer["probabilities"],
        requirements=SERVING,
    )


def _uvicorn(module: str) -> Callable[[int], list[str]]:
    """Serve the module's app as ours is served: uvicorn on uvloop and httptools, no access log."""
    options = "--host 127.0.0.1 --loop uvloop --http httptools --ws none --no-access-log --no-server-header"
    return lambda port: ["-m", "uvicorn", f"{module}:app", *options.split(), "--port", str(port)]


def _program(name: str) -> Callable[[int], list[str]]:
    return lambda port: [str(PROGRAMS / name), str(port)]


def _bentoml(port: int) -> list[str]:
    options = ["--working-dir", str(PROGRAMS), "--host", "127.0.0.1", "--port", str(port)]
    return ["-m", "bentoml", "serve", "bentoml_service:Prices", *options]


def _v2(phone: PhoneObject) -> dict[str, Any]:
    """A request of the V2 inference protocol."""
    return {"inputs": [{"name": "phones", "shape": [1, 20], "datatype": "FP32", "data": row(phone)}]}


PEERS: dict[str, Peer] = {
    peer.name: peer
    for peer in (
        ours(),
        Peer(
            name="echo",
            title="bare ASGI echo",
            module="benchmarks.peers.echo",
            arguments=_uvicorn("benchmarks.peers.echo"),
            requirements=SERVING,
        ),
        Peer(
            name="noop",
            title="FastAPI no-op",
            module="benchmarks.peers.noop",
            arguments=_uvicorn("benchmarks.peers.noop"),
            requirements=SERVING,
        ),
        Peer(
            name="tutorial",
            title="tutorial",
            module="benchmarks.peers.tutorial",
            arguments=_uvicorn("benchmarks.peers.tutorial"),
            probabilities=lambda answer: answer["probabilities"],
        ),
        Peer(
            name="bentoml",
            title="BentoML",
            module="bentoml_service",
            arguments=_bentoml,
            ready="/readyz",
            body=lambda phone: {"phones": [row(phone)]},
            probabilities=lambda answer: answer[0],
            environment=MODEL | {"BENTOML_DO_NOT_TRACK": "True"},
            requirements="bentoml.txt",
        ),
        Peer(
            name="litserve",
            title="LitServe",
            module="litserve_server",
            arguments=_program("litserve_server.py"),
            body=lambda phone: {"input": row(phone)},
            probabilities=lambda answer: answer["output"],
            environment=MODEL,
            requirements="litserve.txt",
        ),
        Peer(
            name="mlserver",
            title="MLServer",
            module="mlserver_runtime",
            arguments=_program("mlserver_runtime.py"),
            predict="/v2/models/phones/infer",
            ready="/v2/models/phones/ready",
            body=_v2,
            probabilities=lambda answer: answer["outputs"][0]["data"],
            environment=MODEL,
            requirements="mlserver.txt",
        ),
    )
}

PLAIN = Peer(
    name="plain",
    title="plain pyarrow",
    module="benchmarks.peers.plain",
    arguments=_uvicorn("benchmarks.peers.plain"),
    requirements=SERVING,
)
"""It takes tables only."""

ALL = ",".join(PEERS)
"""As `chosen` takes them."""


def chosen(names: str) -> list[Peer]:
    """Return the peers of a list such as "ours,noop"; ours is always among them, and first.

    Raises `BenchmarkError` for a name that is none.
    """
    wanted = [name.strip() for name in names.split(",")]
    unknown = sorted(set(wanted) - set(PEERS))
    if unknown:
        raise BenchmarkError(f"no such peer: {', '.join(unknown)}; there are {', '.join(PEERS)}")
    return [peer for peer in PEERS.values() if peer.name == "ours" or peer.name in wanted]
