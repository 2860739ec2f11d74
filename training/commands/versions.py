"""versions: what there is. activate: serve another one."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import BaseModel

from training.commands.terminal import (
    ARTIFACTS,
    ArtifactsOption,
    JsonOption,
    console,
    failures_as_messages,
    table,
    write_figures,
)

if TYPE_CHECKING:
    from contract.bundle import SigningKey


class VersionSummary(BaseModel):
    """A version, or why it cannot be served."""

    version: str
    served: bool
    created: datetime | None = None
    recipe: str | None = None
    accuracy: float | None = None
    log_loss: float | None = None
    problem: str | None = None


def versions(artifacts: ArtifactsOption = ARTIFACTS, json: JsonOption = None) -> None:
    """List the versions, with their figures and which one is served."""
    with failures_as_messages():
        from contract.bundle import versions
        from training.signing import key_of_environment

        key = key_of_environment()
        found = [_summary(artifacts, version, key) for version in versions(artifacts)]
        shown = table("version", "recipe", "accuracy", "log-loss", "")
        for item in found:
            shown.add_row(item.version, *_figures(item), "served" if item.served else "")
        console.print(shown)
        for item in found:
            if item.problem:
                console.print(f"{item.version} cannot be served: {item.problem}", markup=False)
        write_figures(json, found)


def activate(
    version: Annotated[str, typer.Argument(help="As `versions` lists them.")],
    artifacts: ArtifactsOption = ARTIFACTS,
) -> None:
    """Verify a version as the service would, then make it the served one."""
    with failures_as_messages():
        from contract.bundle import read_version, switch_current
        from training.export import prove_golden_rows
        from training.signing import key_of_environment

        prove_golden_rows(read_version(artifacts, version, key_of_environment()))
        switch_current(artifacts, version)
        console.print(f"{artifacts / 'CURRENT'} now names {version}; running services follow it")


def _summary(artifacts: Path, version: str, key: "SigningKey | None") -> VersionSummary:
    from contract.bundle import current_version, read_version
    from contract.errors import BundleError, PointerError

    try:
        served = current_version(artifacts) == version
    except PointerError:
        served = False
    try:
        manifest = read_version(artifacts, version, key).manifest
    except BundleError as error:
        return VersionSummary(version=version, served=served, problem=str(error))
    return VersionSummary(
        version=version,
        served=served,
        created=manifest.created,
        recipe=manifest.recipe.get("name"),
        accuracy=manifest.metrics.accuracy,
        log_loss=manifest.metrics.log_loss,
    )


def _figures(item: VersionSummary) -> list[str]:
    if item.accuracy is None or item.log_loss is None:
        return ["", "", ""]
    return [str(item.recipe), f"{item.accuracy:.4f}", f"{item.log_loss:.4f}"]
