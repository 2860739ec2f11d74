"""What deploy/ says, read: a manifest is a dictionary of YAML."""

import copy
import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

import kubernetes_validate
import yaml

from tests.running_service import PROJECT

Manifest: TypeAlias = dict[str, Any]

DEPLOY = PROJECT / "deploy"
DOCKERFILE = (PROJECT / "Dockerfile").read_text()

VERSION = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["version"]
IMAGE = f"phone-price:{VERSION}"

VERSIONS_OF_KUBERNETES = ("1.30", str(kubernetes_validate.latest_version()))
"""The oldest that the manifests are held against, and the newest that there is a schema of."""


def read(path: Path) -> Manifest:
    """Return the one document of a file."""
    (document,) = yaml.safe_load_all(path.read_text())
    assert isinstance(document, dict)
    return document


def user_of_the_image() -> int:
    """The number that the Dockerfile's USER has."""
    found = re.search(r"^USER (\d+):\1$", DOCKERFILE, re.MULTILINE)
    assert found
    return int(found[1])


def with_change(manifest: Manifest, where: Sequence[str | int], value: object) -> Manifest:
    """Return a copy in which one place holds something else."""
    changed = copy.deepcopy(manifest)
    place: Any = changed
    for step in where[:-1]:
        place = place[step]
    place[where[-1]] = value
    return changed


def is_valid(manifest: Manifest, version: str) -> None:
    """Raise `kubernetes_validate.ValidationError` for what that Kubernetes does not know or want."""
    kubernetes_validate.validate(manifest, version, strict=True)
