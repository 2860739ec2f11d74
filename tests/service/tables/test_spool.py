import asyncio
import os

from hypothesis import given, settings
from hypothesis import strategies as st

from service.tables.spool import MEMORY_BYTES, Spool


async def read_beside(writes: list[bytes], turns: list[int]) -> bytes:
    """Read while writing goes on, with pauses between."""
    read = b""
    with Spool() as spool:

        async def write() -> None:
            for content, pause in zip(writes, turns, strict=True):
                spool.write(content)
                for _ in range(pause):
                    await asyncio.sleep(0)
            spool.end()

        writing = asyncio.create_task(write())
        async for content in spool.contents():
            read += content
        await writing
    return read


@settings(derandomize=True, deadline=None)
@given(st.lists(st.tuples(st.binary(max_size=50), st.integers(0, 3)), max_size=20))
def test_what_is_read_is_what_was_written_whoever_is_faster(steps: list[tuple[bytes, int]]) -> None:
    writes, turns = [content for content, _ in steps], [turn for _, turn in steps]
    assert asyncio.run(read_beside(writes, turns)) == b"".join(writes)


def test_more_than_fits_the_memory_is_read_back_whole() -> None:
    writes = [bytes([number]) * 2**20 for number in range(MEMORY_BYTES // 2**20 + 3)]
    assert asyncio.run(read_beside(writes, [0] * len(writes))) == b"".join(writes)


def test_a_reader_that_catches_up_leaves_nothing_lying() -> None:
    async def sizes() -> list[int]:
        with Spool() as spool:
            reading = spool.contents()
            found = []
            for _ in range(5):
                spool.write(b"x" * (MEMORY_BYTES + 1))  # more than is held
                while spool:
                    await anext(reading)
                assert spool._file is not None
                found.append(spool._file.seek(0, os.SEEK_END))
            return found

    assert asyncio.run(sizes()) == [0] * 5


def test_no_more_is_held_in_memory_than_said() -> None:
    with Spool() as spool:
        for _ in range(10):
            spool.write(b"x" * (MEMORY_BYTES // 4))
        assert sum(map(len, spool._held)) == MEMORY_BYTES
        assert len(spool) == 10 * (MEMORY_BYTES // 4)
