"""JSON as people save it and send it: in UTF-8, with or without a byte order mark."""

from contract.saved_text import other_encoding, without_mark
from contract.table import refusal


def json_text(body: bytes) -> bytes:
    """Return the JSON without a byte order mark. Raises `InvalidTableError` that names UTF-16 or UTF-32."""
    if name := other_encoding(body):
        raise refusal("not_utf8", (), f"The body is {name} text, not JSON in UTF-8: send it as UTF-8")
    return without_mark(body)
