"""What the platforms that run a container tell it by environment variables of their own.

Their defaults come after the settings that somebody has given: AWS' contract for inference containers, and
Vertex AI's requirements for custom containers.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from contract.errors import PlatformError

SAGEMAKER_MODEL = Path("/opt/ml/model")
"""Where SageMaker unpacks a model's archive; empty where the model has none."""

STORAGE_URI = "AIP_STORAGE_URI"
"""The variable by which Vertex AI tells where it has put a model; empty where it has none."""

_OF_SERVING = ("SAGEMAKER_BIND_TO_PORT", "SAGEMAKER_SAFE_PORT_RANGE", "SAGEMAKER_BATCH")

DEFAULT_PORT = 8080
"""Of SageMaker."""

DEPLOYED_MODEL = "/v1/endpoints/{endpoint}/deployedModels/{deployed_model}"
"""Where Vertex AI asks, unless the container was uploaded with routes."""

_ROUTE = re.compile(r"/([^{}?#\s]|{[A-Za-z_]\w*})*")


def platform_defaults(environment: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """Return the settings that the platform implies; none where there is no platform.

    Each asks callers who they are before it hands a request on, and knows of no keys for a container.
    Raises `PlatformError` that names the variable that cannot be followed.
    """
    vertex_routes(environment)
    if "AIP_HTTP_PORT" in environment:
        return {
            "host": "0.0.0.0",  # noqa: S104 - it is a container's
            "port": _port(environment, "AIP_HTTP_PORT"),
            "insecure": True,
            **_given(artifacts=_local(environment.get(STORAGE_URI, ""))),
        }
    if _is_sagemaker(environment):
        return {
            "host": "0.0.0.0",  # noqa: S104 - it is a container's
            "port": _port(environment, "SAGEMAKER_BIND_TO_PORT"),
            "insecure": True,
            **_given(artifacts=_unpacked(SAGEMAKER_MODEL)),
        }
    return {}


def vertex_routes(environment: Mapping[str, str] = os.environ) -> tuple[str, str]:
    """Return where Vertex AI asks for predictions and for the health. Raises `PlatformError`."""
    predict_route = _route(environment, "AIP_PREDICT_ROUTE", f"{DEPLOYED_MODEL}:predict")
    return predict_route, _route(environment, "AIP_HEALTH_ROUTE", DEPLOYED_MODEL)


def _route(environment: Mapping[str, str], name: str, default: str) -> str:
    route = environment.get(name) or default
    if not _ROUTE.fullmatch(route):
        raise PlatformError(f"{name} is {route!r}, but must be a path that begins with /, as /predict")
    return route


def _port(environment: Mapping[str, str], name: str) -> int:
    given = environment.get(name, str(DEFAULT_PORT))
    if not (given.isascii() and given.isdigit() and 0 < int(given[:6]) < 65_536):
        raise PlatformError(f"{name} is {given!r}, but must be a port, from 1 to 65535")
    return int(given)


def _is_sagemaker(environment: Mapping[str, str]) -> bool:
    """Whether this is a container that serves there; notebooks and jobs have variables of the same prefix."""
    if any(name in environment for name in _OF_SERVING):
        return True
    return SAGEMAKER_MODEL.is_dir() and any(name.startswith("SAGEMAKER_") for name in environment)


def storage_uri(environment: Mapping[str, str] = os.environ) -> str | None:
    """Return where the artifacts are to be fetched from; None where they are on this machine."""
    uri = environment.get(STORAGE_URI, "")
    return None if _is_local(uri) or environment.get("PHONE_PRICE_ARTIFACTS") else uri


def _local(uri: str) -> str:
    return uri if _is_local(uri) else ""


def _is_local(uri: str) -> bool:
    return "://" not in uri


def _given(**settings: Any) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if value}


def _unpacked(folder: Path) -> Path | None:
    return folder if folder.is_dir() and any(folder.iterdir()) else None
