"""sign: vouch for a version that was trained without the key, or with another one."""

from typing import Annotated

import typer

from training.commands.terminal import ARTIFACTS, ArtifactsOption, console, failures_as_messages


def sign(
    version: Annotated[str, typer.Argument(help="As `versions` lists them.")],
    artifacts: ArtifactsOption = ARTIFACTS,
) -> None:
    """Verify a version as the service would, then sign it with PHONE_PRICE_SIGNING_KEY."""
    with failures_as_messages("it is signed as it was before, or anew"):
        from contract.bundle import read_version, sign_version
        from contract.errors import KeysError
        from training.export import prove_golden_rows
        from training.signing import VARIABLE, key_of_environment

        key = key_of_environment()
        if key is None:
            raise KeysError(f"{VARIABLE} is not set; openssl rand -hex 32 makes a key")
        prove_golden_rows(read_version(artifacts, version))
        sign_version(artifacts, version, key)
        console.print(f"signed {version}")
