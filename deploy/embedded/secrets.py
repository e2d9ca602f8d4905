"""Secrets of one installation: generated at the first start, kept in a file of mode 0600.

They reach the services through the connection file and SeaweedFS through its keys file and
environment: never through an argument list, a log or the terminal.
"""

from __future__ import annotations

import base64
import json
import secrets as randomness
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError

from deploy.embedded.layout import write_private
from shared.runtime.errors import ConfigurationError
from shared.sources.registry import SOURCES
from shared.sources.spec import SourceSpec

FORMAT: Literal[3] = 3
_WITHOUT_TOKEN_KEY = 1
"""The format before tokens."""
_OF_TWO_SOURCES = 2
"""The format when there were two sources."""


class Secrets(BaseModel):
    """Everything that must stay private on this machine."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[3]
    s3_access_key: str
    s3_secret_key: SecretStr
    volume_write_key: SecretStr
    volume_read_key: SecretStr
    filer_write_key: SecretStr
    filer_read_key: SecretStr
    operator_key: SecretStr
    token_key: SecretStr
    webhook_secrets: Mapping[str, SecretStr]
    """By source."""

    @classmethod
    def generate(cls) -> Secrets:
        """New secrets of 256 random bits each."""
        return cls(
            format=FORMAT,
            s3_access_key=f"bergline-{randomness.token_hex(8)}",
            webhook_secrets={
                source.name: SecretStr(_webhook_secret(source)) for source in SOURCES.values()
            },
            **{
                name: SecretStr(randomness.token_hex(32))
                for name in (
                    "s3_secret_key",
                    "volume_write_key",
                    "volume_read_key",
                    "filer_write_key",
                    "filer_read_key",
                    "operator_key",
                    "token_key",
                )
            },
        )

    def values(self) -> tuple[str, ...]:
        """Every secret in plain text, for tests that look for leaks."""
        own = [value for _, value in self if isinstance(value, SecretStr)]
        return tuple(value.get_secret_value() for value in (*own, *self.webhook_secrets.values()))


def load_or_generate(path: Path) -> Secrets:
    """The secrets of this file, made first when it does not exist.

    Raises:
        ConfigurationError: others can read the file, or it is damaged.
    """
    if not path.exists():
        _write(path, _plain(Secrets.generate()))
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise ConfigurationError(
            f"{path} can be read by others (mode {mode:04o})",
            f"if nobody has read it: chmod 600 {path}; otherwise delete the data directory",
        )
    try:
        _upgrade(path)
        _add_sources(path)
        return Secrets.model_validate_json(path.read_bytes())
    except (ValidationError, ValueError) as error:
        # The error's own text would print the values.
        what = (
            f"{error.error_count()} fields are wrong or missing"
            if isinstance(error, ValidationError)
            else "it is not JSON"
        )
        raise ConfigurationError(
            f"{path} is damaged: {what}",
            "restore it; without it the stored data cannot be opened",
        ) from None


def _upgrade(path: Path) -> None:
    """A file of an older format gets what is missing; one that lost it does not."""
    kept = json.loads(path.read_bytes())
    if not isinstance(kept, dict):
        return
    if kept.get("format") == _WITHOUT_TOKEN_KEY:
        kept = {**kept, "format": _OF_TWO_SOURCES, "token_key": randomness.token_hex(32)}
        _write(path, kept)
    if kept.get("format") == _OF_TWO_SOURCES:
        of_sources = {
            name: kept.pop(f"{name}_webhook_secret")
            for name in ("shopify", "stripe")
            if f"{name}_webhook_secret" in kept
        }
        _write(path, {**kept, "format": FORMAT, "webhook_secrets": of_sources})


def _add_sources(path: Path) -> None:
    """Sources that were added since get their secrets now; those of others stay."""
    kept = json.loads(path.read_bytes())
    there = kept.get("webhook_secrets") if isinstance(kept, dict) else None
    if not isinstance(there, dict):
        return
    new = {
        source.name: _webhook_secret(source)
        for source in SOURCES.values()
        if source.name not in there
    }
    if new:
        _write(path, {**kept, "webhook_secrets": {**there, **new}})


def _webhook_secret(source: SourceSpec) -> str:
    """A secret of the form that the source's vendor gives."""
    prefix = source.signature.secret_prefix
    if prefix:
        return prefix + base64.b64encode(randomness.token_bytes(32)).decode()
    return randomness.token_hex(32)


def _plain(secrets: Secrets) -> dict[str, object]:
    plain: dict[str, object] = {}
    for name, value in secrets:
        if isinstance(value, SecretStr):
            plain[name] = value.get_secret_value()
        elif isinstance(value, Mapping):
            plain[name] = {key: secret.get_secret_value() for key, secret in value.items()}
        else:
            plain[name] = value
    return plain


def _write(path: Path, plain: dict[str, object]) -> None:
    write_private(path, json.dumps(plain, indent=2) + "\n")
