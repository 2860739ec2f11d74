"""What a file is that was given as CSV and is none, by its first bytes."""

from contract.saved_text import other_encoding

_EXPORT = "save the table as CSV"
_KINDS = {
    b"\x1f\x8b": ("packed with gzip", "unpack it first"),
    b"\x28\xb5\x2f\xfd": ("packed with Zstandard", "unpack it first"),
    b"BZh": ("packed with bzip2", "unpack it first"),
    b"\xfd7zXZ\0": ("packed with xz", "unpack it first"),
    b"PK\x03\x04": ("an Excel workbook (.xlsx) or another ZIP archive", _EXPORT),
    b"\xd0\xcf\x11\xe0": ("an Excel workbook (.xls)", _EXPORT),
    b"PAR1": ("Parquet", _EXPORT),
    b"ARROW1": ("an Arrow file", _EXPORT),
    b"\xff\xff\xff\xff": ("an Arrow stream", _EXPORT),
    b"%PDF": ("a PDF", _EXPORT),
}


def what_it_is(content: bytes) -> tuple[str, str] | None:
    """Return what it is and what to do about it; nothing if it may be CSV in UTF-8."""
    for first, told in _KINDS.items():
        if content.startswith(first):
            return told
    name = other_encoding(content)
    return (f"{name} text", "save it as CSV in UTF-8") if name else None
