"""Bodies that are compressed with gzip or deflate, in and out."""

import zlib
from asyncio import to_thread

from fastapi import HTTPException, Request

from service.media_type import qualities

_WINDOWS = {"gzip": zlib.MAX_WBITS | 16, "deflate": zlib.MAX_WBITS}
"""What zlib calls each: deflate is zlib's own format, as RFC 9110 has it."""

ENCODINGS = list(_WINDOWS)

WORTH_PACKING = 16 * 1024
"""Bytes of an answer; below, packing takes longer than sending."""

FAST = 1
"""Level of compression: half the bytes for a tenth of the time."""


async def unpacked(request: Request, most_bytes: int) -> bytes:
    """Return the body as it was before it was packed. Raises 413 beyond `most_bytes`, 415 and 400."""
    body = await request.body()
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding == "identity":
        return body
    if encoding not in _WINDOWS:
        told = f"Send the body with Content-Encoding {' or '.join(_WINDOWS)}, or without"
        raise HTTPException(415, told, {"Accept-Encoding": ", ".join([*_WINDOWS, "identity"])})
    return await to_thread(_unpack, body, _WINDOWS[encoding], most_bytes)


def _unpack(body: bytes, window: int, most_bytes: int) -> bytes:
    unpacking = zlib.decompressobj(window)
    try:
        content = unpacking.decompress(body, most_bytes + 1)
    except zlib.error:
        raise HTTPException(400, "The body is not compressed as its Content-Encoding says") from None
    if len(content) > most_bytes:
        raise HTTPException(413, f"The body is too large: send at most {most_bytes} bytes, unpacked")
    if not unpacking.eof or unpacking.unused_data:
        raise HTTPException(400, "The compressed body breaks off, or something follows it")
    return content


async def packed(content: bytes, accepted: str) -> tuple[bytes, dict[str, str]]:
    """Return the body of an answer and its headers: packed, if that is accepted and worth it."""
    if len(content) < WORTH_PACKING:
        return content, {}
    wanted = qualities(accepted)
    encoding = max(_WINDOWS, key=lambda name: wanted.get(name, 0.0))
    headers = {"Vary": "Accept-Encoding"}
    if not wanted.get(encoding):
        return content, headers
    return await to_thread(_pack, content, _WINDOWS[encoding]), {**headers, "Content-Encoding": encoding}


def _pack(content: bytes, window: int) -> bytes:
    packing = zlib.compressobj(FAST, zlib.DEFLATED, window)
    return packing.compress(content) + packing.flush()
