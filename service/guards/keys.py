"""Who may call: keys from the environment and from a file that may change, of which only digests are kept."""

import asyncio
import hashlib
import hmac
import logging
from ipaddress import ip_address
from pathlib import Path
from typing import TypeAlias

from starlette.types import Scope

from contract.errors import KeysError
from contract.plain_file import read_plain
from contract.saved_text import decode_saved
from service.settings import Settings
from service.telemetry.logs import LOGGER

LEAST_BYTES = 32
"""Of a key; `openssl rand -hex 32` makes 64."""

_QUOTES = "\"'"

LOOK_SECONDS = 1.0
"""Time between two looks at the file."""

Digests: TypeAlias = tuple[bytes, ...]
Signature: TypeAlias = tuple[int, int, int, int]

log = logging.getLogger(LOGGER)


class Keyring:
    """The keys of now. Raises `KeysError` for a short one, and for a file that cannot be read or has none."""

    def __init__(self, settings: Settings) -> None:
        self._file = settings.api_keys_file
        self._given = _digests(settings.api_keys.get_secret_value(), "PHONE_PRICE_API_KEYS")
        self._signature = self._signature_of_file()
        self._digests = self._given + self._read_file()
        self._told = ""

    @property
    def is_empty(self) -> bool:
        """Whether everybody may call."""
        return not self._digests

    def admits(self, scope: Scope) -> bool:
        """Whether the request has a key, in one X-API-Key or one Authorization: Bearer."""
        return self.is_empty or self._has(_presented(scope))

    def _has(self, key: bytes) -> bool:
        # all are compared, and as digests: how long it takes tells nothing of any key
        digest, found = hashlib.sha256(key).digest(), False
        for known in self._digests:
            found |= hmac.compare_digest(known, digest)
        return found

    async def follow_file(self) -> None:
        """Read the file again whenever it has changed, until cancelled; a wrong one changes nothing."""
        while self._file:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                self.look()
            except KeysError as error:
                log.error("the keys stay as they were: %s", error)

    def look(self) -> None:
        """Read the file again if it has changed. Raises `KeysError`, once for each reason."""
        signature = self._signature_of_file()
        if signature == self._signature:
            return
        try:
            self._digests = self._given + self._read_file()
        except KeysError as error:
            known, self._told = self._told, str(error)
            if known != self._told:
                raise
            return
        self._signature, self._told = signature, ""
        log.info("the keys were read again: there are %d", len(self._digests))

    def _signature_of_file(self) -> Signature | None:
        try:
            status = self._file.stat() if self._file else None
        except OSError:
            return None
        # the last changes with its owner and its mode as well: it may become readable
        return (status.st_mtime_ns, status.st_size, status.st_ino, status.st_ctime_ns) if status else None

    def _read_file(self) -> Digests:
        if not self._file:
            return ()
        text = _text_of(self._file)
        for number, line in enumerate(text.splitlines(), start=1):
            _check_quotes(line, f"line {number} of {self._file}")
        digests = _digests(text, str(self._file))
        if not digests:
            raise KeysError(f"{self._file} holds no key: write one to a line")
        return digests


def check_who_may_call(settings: Settings) -> None:
    """Raise `KeysError` if strangers could call without a key, or if anything about the keys is off."""
    if Keyring(settings).is_empty and not settings.insecure and not _is_loopback(settings.host):
        raise KeysError(
            f"on {settings.host} strangers could call: set PHONE_PRICE_API_KEYS or PHONE_PRICE_API_KEYS_FILE "
            "(openssl rand -hex 32 makes a key), or say --insecure"
        )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _text_of(file: Path) -> str:
    try:
        lines = decode_saved(read_plain(file)).splitlines()
    except OSError as error:
        raise KeysError(f"the keys cannot be read: {file}: {error.strerror}") from None
    except ValueError as error:
        raise KeysError(f"the keys cannot be read: {file}: {error}") from None
    return "\n".join("" if line.startswith("#") else line for line in lines)


def _check_quotes(text: str, place: str) -> None:
    for key in text.replace(",", " ").split():
        if key[0] in _QUOTES or key[-1] in _QUOTES:
            raise KeysError(f"{place} has a key in quotes: leave them out")


def _digests(text: str, source: str) -> Digests:
    keys = text.replace(",", " ").split()
    for number, key in enumerate(keys, start=1):
        _check_quotes(key, f"entry {number} of {source}")
        if len(key.encode()) < LEAST_BYTES:
            raise KeysError(
                f"key {number} of {source} is under {LEAST_BYTES} bytes: make one with openssl rand -hex 32"
            )
    return tuple(hashlib.sha256(key.encode()).digest() for key in keys)


def _presented(scope: Scope) -> bytes:
    """Return the key that a request shows; nothing where it shows several."""
    shown = []
    for name, value in scope["headers"]:
        if name == b"x-api-key":
            shown.append(value)
        elif name == b"authorization" and value[:7].lower() == b"bearer ":
            shown.append(value[7:].strip())
    return shown[0] if len(shown) == 1 else b""
