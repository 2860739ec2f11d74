"""Text that people save with an editor: UTF-8, with or without the mark that some editors put first."""

import codecs


def decode_saved(content: bytes) -> str:
    """Return the text without a byte order mark. Raises `ValueError` that names another encoding."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in content:
        raise ValueError("it looks like UTF-16; save it as UTF-8")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"it is not UTF-8 (see byte {error.start + 1}); save it as UTF-8") from None
