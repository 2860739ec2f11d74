"""A model in a bucket, as Vertex AI has it: asked for by Google's protocol, of an emulator."""

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from socket import create_connection

import pytest
from pyarrow import fs

from contract.bundle import current_version
from contract.errors import StorageError
from service.predictor import load_predictor
from service.settings import Settings
from service.storage import fetched
from tests.running_service import ARTIFACTS, free_port


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    """The address of a storage with one bucket, `models`."""
    port = free_port()
    program = shutil.which("gcp-storage-emulator", path=str(Path(sys.executable).parent))
    assert program is not None
    options = ["start", "--host=127.0.0.1", f"--port={port}", "--in-memory", "--default-bucket=models"]
    process = subprocess.Popen([program, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for(port)
        yield f"127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def _wait_for(port: int) -> None:
    until = time.monotonic() + 30
    while True:
        try:
            create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert time.monotonic() < until, "the storage did not start"
            time.sleep(0.05)
        else:
            return


def uri(bucket: str, path: str, *parameters: str) -> str:
    query = "&".join(["scheme=http", f"endpoint_override={bucket}", *parameters])
    return f"gs://anonymous@models/{path}?{query}"


def test_artifacts_in_a_bucket_are_fetched_whole_and_removed_in_the_end(bucket: str) -> None:
    storage = fs.GcsFileSystem(anonymous=True, scheme="http", endpoint_override=bucket)
    fs.copy_files(str(ARTIFACTS), "models/phone/artifacts", destination_filesystem=storage)
    with fetched(uri(bucket, "phone/artifacts")) as folder:
        assert folder is not None
        predictor = load_predictor(Settings(artifacts=folder))
        assert predictor.version == current_version(ARTIFACTS)
    assert not folder.exists()


def test_nothing_in_a_bucket_is_told(bucket: str) -> None:
    with pytest.raises(StorageError, match="cannot be fetched"), fetched(uri(bucket, "nothing")):
        pass


def test_a_storage_that_does_not_answer_is_given_up() -> None:
    nobody = f"127.0.0.1:{free_port()}"
    with (
        pytest.raises(StorageError, match="Could not connect"),
        fetched(uri(nobody, "phone", "retry_limit_seconds=1")),
    ):
        pass


@pytest.mark.parametrize("other", ["ftp://somewhere/folder", "s3:/x", "://"])
def test_an_address_that_leads_nowhere_is_one_clear_error(other: str) -> None:
    with pytest.raises(StorageError, match="cannot be fetched"), fetched(other):
        pass


def test_an_error_does_not_tell_who_asks() -> None:
    with pytest.raises(StorageError) as refused, fetched("ftp://name:secret@somewhere/folder?token=secret"):
        pass
    assert "ftp://somewhere/folder cannot be fetched" in str(refused.value)
    assert "secret" not in str(refused.value)


def test_without_an_address_nothing_is_fetched() -> None:
    with fetched(None) as folder:
        assert folder is None
