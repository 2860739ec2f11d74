"""nginx (Debian's nginx-light) with deploy/nginx.conf before two services, on free ports."""

import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from socket import create_connection

import psutil

from trials.programs import needed
from trials.service import PROJECT, NotStartedError, end, free_port, wait_until

CONFIGURATION = PROJECT / "deploy" / "nginx.conf"

UNLIMITED = {
    "rate=200r/s": "rate=1000000r/s",
    "rate=2000r/s": "rate=1000000r/s",
    "limit_conn connections 50": "limit_conn connections 60000",
}
"""One client alone makes the load of a trial."""


@contextmanager
def before(ports: tuple[int, int], changes: Mapping[str, str]) -> Iterator[int]:
    """Start nginx before services on two ports; return its own. Each of `changes` must be in the file."""
    port = free_port()
    told = CONFIGURATION.read_text()
    own = {"127.0.0.1:8000": f"127.0.0.1:{ports[0]}", "127.0.0.1:8001": f"127.0.0.1:{ports[1]}"}
    for old, new in {"listen 8080": f"listen 127.0.0.1:{port}", **own, **changes}.items():
        if old not in told:
            raise ValueError(f"{CONFIGURATION} has no {old!r}")
        told = told.replace(old, new)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "nginx.conf").write_text(told)
        main = f"daemon off; pid {folder}/pid;"
        command = [needed("nginx"), "-p", folder, "-c", f"{folder}/nginx.conf", "-g", main]
        process = psutil.Popen(command, stderr=subprocess.DEVNULL)
        try:
            if wait_until(lambda: _listens(port), 10) > 10:
                raise NotStartedError("nginx does not listen")
            yield port
        finally:
            end(process)


def _listens(port: int) -> bool:
    try:
        create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
