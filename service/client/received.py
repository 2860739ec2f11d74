"""An answer's body as it comes: unpacked, counted, and given up where it is too large."""

import zlib
from typing import NoReturn

import httpx

from service.client.exchange import ENCODING, Answer, checked, no_answer

MAX_ANSWER_BYTES = 512 * 2**20
"""Default limit of an answer's bytes, unpacked: a table of 10 million rows, the largest that the service
takes, is answered by 310 MB."""

MAX_ERROR_BYTES = 64 * 1024
"""Of the body of an error; the service's own have 8 KiB at most."""

_WINDOW = zlib.MAX_WBITS | 16


def check_size(max_answer_bytes: int) -> None:
    """Raise `ValueError` for a size that no answer has."""
    if max_answer_bytes < 1:
        raise ValueError("max_answer_bytes must be 1 or more")


class Received:
    """The body of one response, of which never more than `max_bytes` are held.

    Raises `AnswerError` for a body that is too large or cannot be unpacked; where the status is an error's,
    the error that it stands for.
    """

    def __init__(self, response: httpx.Response, max_bytes: int) -> None:
        self._status, self._headers = response.status_code, response.headers
        self._content = bytearray()
        self._max_bytes = max_bytes if response.status_code == httpx.codes.OK else MAX_ERROR_BYTES
        encoding = response.headers.get("content-encoding", "identity").strip().lower()
        if encoding not in ("identity", ENCODING):
            self._give_up(f"packed as {encoding}, where {ENCODING} was asked for")
        self._unpacking = zlib.decompressobj(_WINDOW) if encoding == ENCODING else None

    def add(self, part: bytes) -> None:
        """Take what has come next."""
        self._content += self._unpacked(part, self._unpacking) if self._unpacking else part
        if len(self._content) > self._max_bytes:
            self._give_up(f"it has more than {self._max_bytes} bytes: max_answer_bytes allows no more")

    def answer(self) -> Answer:
        """Return the answer, which has ended."""
        if self._unpacking and self._content and not self._unpacking.eof:
            self._give_up(f"its {ENCODING} breaks off")
        return Answer(self._status, self._headers, bytes(self._content))

    def _unpacked(self, part: bytes, unpacking: "zlib._Decompress") -> bytes:
        room = self._max_bytes - len(self._content) + 1  # zlib takes 0 as no limit
        try:
            content = unpacking.decompress(part, room)
        except zlib.error:
            self._give_up(f"it is no {ENCODING}, although its Content-Encoding says so")
        if unpacking.unused_data:
            self._give_up(f"something follows its {ENCODING}")
        return content

    def _give_up(self, why: str) -> NoReturn:
        answer = Answer(self._status, self._headers, b"")
        checked(answer)  # an error's status tells more than what is wrong with its body
        raise no_answer(answer, why)
