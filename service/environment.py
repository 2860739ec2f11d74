"""The environment's variables that begin with PHONE_PRICE_: which are settings, and which are a mistake."""

import re
from collections.abc import Collection, Mapping
from difflib import get_close_matches

from contract.errors import SettingNameError

PREFIX = "PHONE_PRICE_"

OTHERS = frozenset(
    {
        "PHONE_PRICE_API_KEY",  # the Python client's
        "PHONE_PRICE_DATA",  # of training
        "PHONE_PRICE_PROVED_VERSION",  # the supervisor's, for its workers
        "PHONE_PRICE_CLIENTS_GIVEN",  # of the tests
    }
)
"""Variables of this project that are no settings of the service."""

_LINK_NAME = re.compile(rf"{PREFIX}(\w+_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_\w+)?)")
_LINK_PORT = re.compile(r"(tcp|udp|sctp)://")


def is_link(name: str, value: str) -> bool:
    """Whether Kubernetes has set it, for a Service whose name begins with phone-price.

    With enableServiceLinks it sets PHONE_PRICE_SERVICE_HOST, PHONE_PRICE_PORT_80_TCP, and also
    PHONE_PRICE_PORT=tcp://10.96.0.17:80, which has the name of a setting.
    """
    upper = name.upper()
    return bool(_LINK_NAME.fullmatch(upper)) or (upper.endswith("_PORT") and bool(_LINK_PORT.match(value)))


def without_links(environment: Mapping[str, str | None]) -> dict[str, str | None]:
    """Return the variables that Kubernetes has not set for a Service."""
    return {name: value for name, value in environment.items() if not is_link(name, value or "")}


def check_names(environment: Mapping[str, str], settings: Collection[str]) -> None:
    """Raise `SettingNameError` for a variable with the prefix that is none of these settings."""
    known = {variable(name) for name in settings} | OTHERS
    for name, value in environment.items():
        upper = name.upper()
        if not upper.startswith(PREFIX) or upper in known or is_link(name, value):
            continue
        close = get_close_matches(upper.removeprefix(PREFIX).lower(), list(settings), n=1)
        hint = f"did you mean {variable(close[0])}?" if close else "remove it"
        raise SettingNameError(f"{name[:100]} is set in the environment, but is no setting: {hint}")


def variable(setting: str) -> str:
    """Return the name of a setting's variable."""
    return f"{PREFIX}{setting.upper()}"
