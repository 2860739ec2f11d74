"""Artifacts that a platform keeps elsewhere, fetched once before the service starts."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

from contract.errors import StorageError

PATIENCE = "retry_limit_seconds=60"
"""For Google's storage, which Arrow would else ask again for a quarter of an hour."""


@contextmanager
def fetched(uri: str | None) -> Iterator[Path | None]:
    """Give a folder that holds what lies at a URI, as in gs://bucket/folder; None where there is none.

    Credentials are those of the machine, as Arrow's file systems find them. Raises `StorageError`.
    """
    if uri is None:
        yield None
        return
    with TemporaryDirectory(prefix="phone-price-artifacts-") as folder:
        _copy(uri, folder)
        yield Path(folder)


def _copy(uri: str, folder: str) -> None:
    import pyarrow as pa
    from pyarrow import fs

    told = without_secrets(uri)
    try:
        fs.copy_files(_impatient(uri), folder)
    except (OSError, ValueError, pa.ArrowException) as error:
        reason = str(error).splitlines()[0].replace(uri, told)
        raise StorageError(f"{told} cannot be fetched: {reason}") from None
    if not any(Path(folder).iterdir()):
        raise StorageError(f"{told} holds nothing: it must hold CURRENT and the version that it names")


def _impatient(uri: str) -> str:
    parts = urlsplit(uri)
    if parts.scheme not in ("gs", "gcs") or "retry_limit_seconds" in parts.query:
        return uri
    return parts._replace(query=f"{parts.query}&{PATIENCE}".lstrip("&")).geturl()


def without_secrets(uri: str) -> str:
    """Leave out what may be secret: who asks, and how."""
    parts = urlsplit(uri)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="").geturl()
