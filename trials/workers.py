"""The workers of a service: how many are ready, and whether one has been replaced."""

import re
from urllib.request import urlopen

import psutil

from trials.service import Service

_MODEL_INFO = re.compile(r"^phone_price_model_info\{.*?version=\"([^\"]*)\".*\} (\d+)", re.MULTILINE)


def versions_of_workers(service: Service) -> dict[str, int]:
    """Return how many living workers say in the metrics that they answer with each version."""
    try:
        with urlopen(f"http://127.0.0.1:{service.port}/metrics", timeout=5) as told:
            found = _MODEL_INFO.findall(told.read().decode())
    except OSError:
        return {}
    return {version: int(count) for version, count in found if int(count)}


def workers_ready(service: Service) -> int:
    """Return how many workers answer."""
    return sum(versions_of_workers(service).values())


def is_replaced(service: Service, victim: psutil.Process, workers: int) -> bool:
    """Whether a worker is gone and there are as many as before, all of which answer."""
    living = service.workers()
    return victim not in living and len(living) == workers == workers_ready(service)


def connections_of(worker: psutil.Process) -> int:
    """Return how many clients are connected to it."""
    return sum(each.status == "ESTABLISHED" for each in worker.net_connections("tcp"))
