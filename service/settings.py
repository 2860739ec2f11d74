"""Every setting of the service, with its default and its meaning."""

import os
import re
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, InitSettingsSource, SettingsConfigDict

from contract.table import NUMBER
from service.engine import EngineName
from service.environment import PREFIX, check_names, variable, without_links
from service.platform import platform_defaults
from service.protocols import Protocol

_PLAIN_NUMBER = re.compile(NUMBER)

_HOST = re.compile(r"[\w.%:-]*")
"""Names, and addresses of both kinds, which may have a zone, as fe80::1%eth0."""

LONGEST_VALUE = 100
"""Characters of a value that a line repeats."""


class Settings(BaseSettings):
    """Read from the environment: PHONE_PRICE_ and the name in capitals, as in PHONE_PRICE_ENGINE=torch.

    An empty variable is one that is not set, as Compose passes on what nobody has given. Raises
    `SettingNameError` for a variable with that prefix that is no setting.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, frozen=True)

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: Any, env_settings: Any, *_: Any, **__: Any
    ) -> tuple[Any, ...]:
        """Put what a platform implies after what somebody has given."""
        check_names(os.environ, settings_cls.model_fields)
        env_settings.env_vars = without_links(env_settings.env_vars)
        return init_settings, env_settings, InitSettingsSource(settings_cls, platform_defaults())

    artifacts: Path = Field(Path("artifacts"), description="Folder of the bundles and of CURRENT.")
    engine: EngineName = Field(
        "onnx",
        description="What computes: onnxruntime, or torch as the reference (needs the training extra).",
    )
    host: str = Field("127.0.0.1", description="Address to listen on; 0.0.0.0 for all.")
    port: int = Field(8000, ge=1, le=65_535, description="Port to listen on.")
    workers: int = Field(1, ge=1, le=256, description="Processes that answer; each loads the model.")
    api_keys: SecretStr = Field(
        SecretStr(""),
        description="Keys of which a caller needs one, by spaces or commas, of at least 32 bytes each.",
    )
    api_keys_file: Path | None = Field(
        None, description="File of more keys, one to a line; read again when it changes."
    )
    signing_key: SecretStr = Field(
        SecretStr(""),
        description="Key that bundles must be signed with, of at least 32 bytes; then older ones, by spaces.",
    )
    metrics_open: bool = Field(False, description="Whether /metrics needs no key.")
    insecure: bool = Field(False, description="Listen beyond this machine without any key.")
    reload_seconds: float = Field(
        1.0, ge=0.0, description="Time between two looks at CURRENT for a new version; 0 for never."
    )
    drain_seconds: float = Field(
        0.0,
        ge=0.0,
        description="Time from SIGTERM, when it is no longer ready, to the end of taking requests.",
    )
    watchdog_seconds: float = Field(
        15.0, ge=0.0, description="A process whose event loop stands still for so long ends; 0 for never."
    )
    page: bool = Field(True, description="Whether GET / shows the web page to browsers.")
    protocols: str = Field(
        " ".join(Protocol),
        description="Dialects of other platforms that are spoken, by spaces or commas; or none.",
    )
    model_name: str = Field(
        "phone-price",
        pattern=r"^[A-Za-z0-9._-]{1,63}$",
        description="The model's name in the paths of other platforms.",
    )
    access_log: bool = Field(
        True, description="A line in the log for each request, and X-Request-ID on each answer."
    )
    log_format: Literal["auto", "json", "text"] = Field(
        "auto", description="Lines of the log: json, text, or auto for text on a terminal, json elsewhere."
    )
    max_requests: int = Field(
        256, ge=1, description="Requests answered at a time by a worker; what comes beyond is refused."
    )
    max_tables: int = Field(16, ge=1, description="The same for /predict/batch.")
    max_explanations: int = Field(
        16, ge=1, description="The same for /explain and /what-if, computed one after the other."
    )
    max_batch_rows: int = Field(10_000, ge=1, description="Phones in one JSON call of /predict/batch.")
    max_table_rows: int = Field(10_000_000, ge=1, description="Rows of one table of another kind.")
    max_body_bytes: int = Field(
        8 * 2**20,
        ge=1_024,
        description="Size of a body that is held whole: JSON, Parquet; one phone has 64 KiB.",
    )

    @field_validator("*", mode="before")
    @classmethod
    def _in_plain_digits(cls, value: Any, info: ValidationInfo) -> Any:
        """Refuse 1_0, which pydantic takes for 10, and digits of other scripts."""
        kind = cls.model_fields[str(info.field_name)].annotation
        if kind in (int, float) and isinstance(value, str) and not _PLAIN_NUMBER.fullmatch(value.strip()):
            raise ValueError("write a number in plain digits, as 10")
        return value

    @field_validator("host")
    @classmethod
    def _is_host(cls, host: str) -> str:
        if not _HOST.fullmatch(host):
            raise ValueError("write an address or the name of a host alone, as 127.0.0.1")
        return host

    @field_validator("model_name")
    @classmethod
    def _is_one_step(cls, name: str) -> str:
        if name in (".", ".."):
            raise ValueError("clients take . and .. out of a path; write a name")
        return name

    @field_validator("protocols")
    @classmethod
    def _known(cls, text: str) -> str:
        names = text.replace(",", " ").split()
        if names == ["none"]:  # an empty variable is not set, so it cannot say so
            return ""
        if "none" in names:
            raise ValueError("none stands alone: leave it out, or all others")
        for name in names:
            if name not in set(Protocol):
                raise ValueError(f"there is {', '.join(Protocol)}, or none alone, and nothing else")
        return " ".join(names)


def told(settings: Settings) -> str:
    """Return the settings on one line, of secrets only whether there are any."""
    return " ".join(f"{name}={_told(value)}" for name, value in settings)


def _told(value: object) -> str:
    if isinstance(value, SecretStr):
        return "(given)" if value.get_secret_value() else "(none)"
    return repr(str(value))[:LONGEST_VALUE] if isinstance(value, str | Path) else str(value)


def wrong_setting(error: ValidationError) -> str:
    """Return which setting is wrong, its variable, its value unless that is secret, and its rule."""
    first = error.errors()[0]
    name = ".".join(map(str, first["loc"]))
    field = Settings.model_fields.get(name)
    if field is None:
        close = get_close_matches(name, list(Settings.model_fields), n=1)
        hint = f"did you mean {close[0]}?" if close else "remove it"
        return f"setting {name[:LONGEST_VALUE]}: there is none of this name; {hint}"
    found = "" if field.annotation is SecretStr else f" is {str(first['input'])[:LONGEST_VALUE]!r}"
    return f"setting {name}: {variable(name)}{found}: {first['msg']}"
