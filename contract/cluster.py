"""The Ray cluster that takes over where one machine ends. Ray is imported only when one is asked for."""

import logging
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Any

from contract.errors import ClusterError


class Where(StrEnum):
    """Where the work of a command is done: on this machine, or on a cluster."""

    LOCAL = "local"
    RAY = "ray"


ADDRESS = (
    "HOST:PORT of the Ray cluster, or local for one of this machine alone. "
    "Default: $RAY_ADDRESS, else the cluster that this machine is a node of."
)
"""What a command's help says of --address."""

INSTALL = "Ray is not installed: pip install '.[ray]', in the project's folder"

REACHED_WITHIN = 5.0
"""Seconds, in which an address answers; Ray itself would ask again for minutes."""

_ADDRESS = "RAY_ADDRESS"

_QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",  # it would tell strangers of each run
    "RAY_BACKEND_LOG_LEVEL": "fatal",  # else its lower half warns past Python, of each lost node and more
}

_NONE = f"give --address HOST:PORT or {_ADDRESS}, start one by ray start --head, or say --address local"


@contextmanager
def connected(address: str | None) -> Iterator[Any]:
    """Connect to the cluster at HOST:PORT, or to one of this machine alone, for a while.

    Without an address it is RAY_ADDRESS, else the cluster that this machine is a node of. Raises
    `ClusterError` if Ray is not installed, or if there is no cluster.
    """
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    try:
        import ray
    except ImportError:
        raise ClusterError(INSTALL) from None
    wanted = address or os.environ.get(_ADDRESS) or "auto"
    if wanted.startswith("ray://"):
        raise _no_cluster(wanted, "a command is run on a node of its cluster, and not through ray://")
    if ":" in wanted:
        _check_reached(wanted)
    try:
        with _muted(2):  # its lower half tells first of all how little it is to tell
            ray.init(wanted, log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, ValueError, RuntimeError, ray.exceptions.RayError) as error:
        raise _no_cluster(wanted, str(error).strip().partition("\n")[0]) from None
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # Ray's own handler ends it with its stack
    try:
        yield ray
    finally:
        ray.shutdown()


@contextmanager
def _muted(number: int) -> Iterator[None]:
    """Have what is written to this file descriptor go nowhere, for a while."""
    kept, nowhere = os.dup(number), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, number)
    try:
        yield
    finally:
        os.dup2(kept, number)
        os.close(kept)
        os.close(nowhere)


def _check_reached(address: str) -> None:
    import grpc

    with grpc.insecure_channel(address) as channel:
        try:
            grpc.channel_ready_future(channel).result(REACHED_WITHIN)
        except grpc.FutureTimeoutError:
            raise _no_cluster(address, f"nothing of the kind answered within {REACHED_WITHIN:g} s") from None


def _no_cluster(wanted: str, reason: str) -> ClusterError:
    where = "on this machine" if wanted == "auto" else f"at {wanted}"
    return ClusterError(f"there is no Ray cluster {where}: {_NONE} ({reason.rstrip('.')})")
