"""How a body is packed for its transfer: in chunks, or not at all (RFC 9112, 6.1)."""

from collections.abc import Iterable


def unknown_coding(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """Name what a body in chunks is packed in besides, or nothing; all else is known to the parser.

    >>> unknown_coding([(b"transfer-encoding", b"gzip, chunked")])
    'gzip'
    """
    values = [value for name, value in headers if name == b"transfer-encoding"]
    if not values:
        return ""
    *others, last = (coding.strip() for coding in b",".join(values).decode("latin-1").split(","))
    return ", ".join(others) if last.lower() == "chunked" else ""
