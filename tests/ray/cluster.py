"""A real Ray cluster of two nodes on this machine, one core each, started as an operator would.

Both are on loopback, but on no 127.0.0.1, which Ray takes for any address of the machine.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tests.running_service import free_port

RAY = Path(sys.executable).with_name("ray")

STORE_BYTES = 150 * 2**20
"""Of shared memory for each node; Ray asks for a third of the machine's else."""

START_SECONDS = 120.0

STARTS = 3
"""Tries: on a busy machine a node gives up after half a minute of its own."""


@dataclass
class Node:
    """A node, with all the processes that it has started."""

    process: subprocess.Popen[bytes]
    log: Path

    def processes(self) -> list[psutil.Process]:
        """Return those that are there now, its own first."""
        try:
            own = psutil.Process(self.process.pid)
            return [own, *own.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def kill(self) -> None:
        """End it as a power cut does: all at once."""
        found = self.processes()
        for process in found:
            with_no_further_ado(process)
        psutil.wait_procs(found, timeout=30)
        self.process.wait(timeout=30)


def with_no_further_ado(process: psutil.Process) -> None:
    """Send SIGKILL, unless it has ended."""
    try:
        process.kill()
    except psutil.NoSuchProcess:
        return


@dataclass
class Cluster:
    """Two nodes; programs are started beside the first."""

    address: str
    nodes: list[Node] = field(default_factory=list)

    def memory(self) -> int:
        """Return the bytes that the processes of all nodes have for themselves, shares of what is shared."""
        return sum(proportional(process) for node in self.nodes for process in node.processes())


def proportional(process: psutil.Process) -> int:
    """Return the process' memory in bytes; what is shared counts in parts."""
    try:
        return int(process.memory_full_info().pss)
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return 0


@contextmanager
def running_cluster() -> Iterator[Cluster]:
    """Start two nodes and wait until both are there; end them and all that they have started."""
    port = free_port()
    with ExitStack() as stack:
        folder = Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True))
        )
        cluster = Cluster(f"127.0.0.2:{port}")
        head = ["--head", f"--port={port}", "--node-ip-address=127.0.0.2", "--include-dashboard=false"]
        worker = [f"--address=127.0.0.2:{port}", "--node-ip-address=127.0.0.3"]
        for number, options in enumerate((head, worker)):
            for _ in range(STARTS):
                node = _started(folder, number, options)
                stack.callback(node.kill)
                if _is_there(cluster.address, number + 1, node):
                    break
            else:
                raise AssertionError(node.log.read_text())
            cluster.nodes.append(node)
        yield cluster


def _started(folder: Path, number: int, options: Sequence[str]) -> Node:
    log = folder / f"node-{number}.log"
    own_ports = [
        f"--{name}={free_port()}"
        for name in (
            "dashboard-agent-listen-port",
            "dashboard-agent-grpc-port",
            "metrics-export-port",
            "runtime-env-agent-port",
            "node-manager-port",
            "object-manager-port",
        )
    ]
    if number == 0:
        own_ports += [f"--ray-client-server-port={free_port()}", f"--temp-dir={folder / 'ray'}"]
    command = [
        str(RAY),
        "start",
        *options,
        *own_ports,
        "--min-worker-port=0",  # any that are free
        "--max-worker-port=0",
        "--num-cpus=1",
        f"--object-store-memory={STORE_BYTES}",
        "--disable-usage-stats",
        "--block",
    ]
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)
    return Node(process, log)


def _is_there(address: str, count: int, node: Node) -> bool:
    """Wait until so many nodes are alive, by what the cluster itself says, or the node has given up."""
    deadline = time.monotonic() + START_SECONDS
    while _alive(address) < count:
        if node.process.poll() is not None:
            return False
        assert time.monotonic() < deadline, node.log.read_text()
        time.sleep(0.2)
    return True


def _alive(address: str) -> int:
    # the public way is to join the cluster with a whole program
    from ray._raylet import GcsClient  # type: ignore[attr-defined]

    try:
        found = GcsClient(address=address).get_all_node_info()
    except Exception:  # noqa: BLE001 - it is not there yet
        return 0
    return sum(1 for node in found.values() if node.state == 0)
