"""prune: remove old versions."""

from typing import TYPE_CHECKING, Annotated

import typer

from training.commands.terminal import ARTIFACTS, ArtifactsOption, console, failures_as_messages

if TYPE_CHECKING:
    from contract.bundle import Removal


def prune(
    keep: Annotated[int, typer.Option(min=1, help="How many of the newest versions stay.")],
    artifacts: ArtifactsOption = ARTIFACTS,
) -> None:
    """Remove old versions, but none that is served, was served just before, or that a service needs."""
    with failures_as_messages("each version is still there whole, or not at all"):
        from contract.bundle import remove_old_versions

        print_removal(remove_old_versions(artifacts, keep))


def print_removal(removal: "Removal") -> None:
    """Say what was removed, and what a service keeps from it."""
    for version in removal.removed:
        console.print(f"removed {version}")
    for version in removal.held:
        console.print(f"{version} stays: a running service needs it")
