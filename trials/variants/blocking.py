"""The service of which a worker stands still for ever when it is asked about a phone of 63 cores.

TRIAL_HEALTHCHECK has the seconds after which its supervisor gives up a worker that does not answer.
"""

import os
import time
from typing import Any
from unittest.mock import patch

import uvicorn
from fastapi import FastAPI

import service.valid_phone
from service.__main__ import app
from service.process import create_app as _create_app

_values = service.valid_phone.values
_run = uvicorn.run


def _values_or_stand_still(phone: Any) -> tuple[float, ...]:
    if phone.n_cores == 63:
        time.sleep(3_600)
    return _values(phone)


def create_app() -> FastAPI:
    """Make the app of a worker."""
    patch("service.fast_path.values", _values_or_stand_still).start()
    return _create_app()


def _run_ours(_: object, **options: Any) -> None:
    healthcheck = int(os.environ["TRIAL_HEALTHCHECK"])
    _run("trials.variants.blocking:create_app", **{**options, "timeout_worker_healthcheck": healthcheck})


if __name__ == "__main__":
    with patch("uvicorn.run", _run_ours):
        app()
