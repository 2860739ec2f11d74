"""What pyarrow writes to: a file that is emptied now and then."""

from io import BytesIO


class Sink:
    """Holds what was written since it was last taken."""

    closed = False

    def __init__(self) -> None:
        self._written = BytesIO()

    def write(self, content: bytes) -> int:
        return self._written.write(content)

    def flush(self) -> None:
        pass

    def close(self) -> None:
        pass

    def taken(self) -> bytes:
        written, self._written = self._written, BytesIO()
        return written.getvalue()
