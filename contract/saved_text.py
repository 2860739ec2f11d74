"""Text that people save with an editor: UTF-8, with or without the mark that some editors put first."""

import codecs

_MARKS = {  # the longer ones first: a mark of UTF-32 begins as one of UTF-16
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}

_ZEROS: dict[tuple[bool, ...], str] = {
    (True, True, True, False): "UTF-32",
    (False, True, True, True): "UTF-32",
    (True, False, True, False): "UTF-16",
    (False, True, False, True): "UTF-16",
}
"""Which of the first four bytes are zero where the text begins with two ASCII characters."""


def other_encoding(content: bytes) -> str | None:
    """Return the name of the encoding if the text begins as UTF-16 or UTF-32 does, marked or not."""
    for mark, name in _MARKS.items():
        if content.startswith(mark):
            return name
    return _ZEROS.get(tuple(byte == 0 for byte in content[:4]))


def without_mark(content: bytes) -> bytes:
    """Return UTF-8 without a byte order mark."""
    return content.removeprefix(codecs.BOM_UTF8)


def decode_saved(content: bytes) -> str:
    """Return the text without a byte order mark. Raises `ValueError` that names another encoding."""
    if name := other_encoding(content) or ("UTF-16" if b"\0" in content else None):
        raise ValueError(f"it looks like {name}; save it as UTF-8")
    try:
        return without_mark(content).decode()
    except UnicodeDecodeError as error:
        raise ValueError(f"it is not UTF-8 (see byte {error.start + 1}); save it as UTF-8") from None
