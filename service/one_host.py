"""A request names one host (RFC 9112, 3.2): of two, or of half a one, each reader makes something else."""

import re
from collections.abc import Iterable
from functools import lru_cache

_HOST = re.compile(rb"(\[[0-9A-Za-z:.%~_-]+\]|[A-Za-z0-9._~!$&'()*+;=%-]*)(:[0-9]*)?")


def names_one_host(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether there is one Host, that has a name or an address, and maybe a port, or nothing."""
    hosts = [value for name, value in headers if name == b"host"]
    return len(hosts) == 1 and _is_host(hosts[0])


@lru_cache(64)  # nearly all ask the same few
def _is_host(value: bytes) -> bool:
    return _HOST.fullmatch(value) is not None
