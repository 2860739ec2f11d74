"""What the commands share: options that are settings, and refusals in words."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn, TypeAlias

import typer
from pydantic import ValidationError

from contract.errors import PlatformError, SettingNameError
from service.settings import Settings, wrong_setting

Option: TypeAlias = str | int | bool | Path | None

WRONG_USE = 2
"""Exit status when a setting, a table or a cluster is wrong."""

NOT_SERVABLE = 3
"""Exit status when the bundle or the engine is, as uvicorn has it for any start that failed."""


def setting(name: str) -> Any:
    """Return an option that is told of as the setting is."""
    field = Settings.model_fields[name]
    return typer.Option(help=field.description, show_default=str(field.default))


def given(options: Mapping[str, Option]) -> dict[str, Option]:
    """Return those that the caller has named."""
    return {name: value for name, value in options.items() if value is not None}


def settings_with(**options: Option) -> Settings:
    """Return the environment's settings, over which options win; refuse what is not one."""
    try:
        return Settings(**given(options))  # type: ignore[arg-type]
    except (PlatformError, SettingNameError) as error:
        return refuse(str(error), WRONG_USE)
    except ValidationError as error:
        return refuse(wrong_setting(error), WRONG_USE)


def refuse(reason: str, status: int) -> NoReturn:
    """Say why, and end with a status."""
    typer.echo(f"error: {reason}", err=True)
    raise typer.Exit(status)
