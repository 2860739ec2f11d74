"""The service of which no prediction ever ends; TRIAL_GRACE has its grace in seconds, or none."""

import asyncio
import os
from typing import Any
from unittest.mock import patch

import uvicorn

from service.__main__ import app

_grace = os.environ["TRIAL_GRACE"]
_run = uvicorn.run


async def _never(*_: object) -> None:
    await asyncio.Event().wait()


def _run_with_grace(served: Any, **options: Any) -> None:
    _run(served, **{**options, "timeout_graceful_shutdown": None if _grace == "none" else int(_grace)})


with patch("service.batching.TurnBatcher.predict", _never), patch("uvicorn.run", _run_with_grace):
    app()
