"""What a request line asks for: a path, or the whole address of one, as to a proxy (RFC 9112, 3.2.2)."""

import re

_BEFORE_THE_PATH = re.compile(rb"[A-Za-z][A-Za-z0-9+.-]*://[^/?#]+")


def origin_form(target: bytes) -> bytes:
    """Return the path and query of a whole address; what is none, as it is.

    >>> origin_form(b"http://example.org:8000/predict?a=1")
    b'/predict?a=1'
    >>> origin_form(b"http://example.org")
    b'/'
    """
    found = _BEFORE_THE_PATH.match(target)
    if not found:
        return target
    rest = target[found.end() :]
    return rest if rest.startswith(b"/") else b"/" + rest
