"""A blocked event loop answers nobody and cannot say so: the process ends, a supervisor starts another."""

import asyncio
import faulthandler
import sys


async def watch(seconds: float) -> None:
    """End the process, with every thread's stack on standard error, when the loop stands still for so long.

    The clock is in a thread of C, which needs nothing of Python. Runs until cancelled; 0 watches nothing.
    """
    try:
        while seconds:
            faulthandler.dump_traceback_later(seconds, exit=True, file=sys.__stderr__ or sys.stderr)
            await asyncio.sleep(seconds / 3)
    finally:
        faulthandler.cancel_dump_traceback_later()
