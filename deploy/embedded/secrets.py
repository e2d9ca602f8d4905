"""Secrets of one installation: generated at the first start, kept in a file of mode 0600.

They reach the services through the connection file and SeaweedFS through its keys file and
environment: never through an argument list, a log or the terminal.
"""

from __future__ import annotations

import json
import secrets as randomness
import stat
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError

from deploy.embedded.layout import write_private
from shared.runtime.errors import ConfigurationError

FORMAT: Literal[2] = 2
_WITHOUT_TOKEN_KEY = 1
"""The format before tokens."""


class Secrets(BaseModel):
    """Everything that must stay private on this machine."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[2]
    s3_access_key: str
    s3_secret_key: SecretStr
    volume_write_key: SecretStr
    volume_read_key: SecretStr
    filer_write_key: SecretStr
    filer_read_key: SecretStr
    operator_key: SecretStr
    shopify_webhook_secret: SecretStr
    stripe_webhook_secret: SecretStr
    token_key: SecretStr

    @classmethod
    def generate(cls) -> Secrets:
        """New secrets of 256 random bits each."""
        return cls(
            format=FORMAT,
            s3_access_key=f"bergline-{randomness.token_hex(8)}",
            stripe_webhook_secret=SecretStr(f"whsec_{randomness.token_urlsafe(32)}"),
            **{
                name: SecretStr(randomness.token_hex(32))
                for name in (
                    "s3_secret_key",
                    "volume_write_key",
                    "volume_read_key",
                    "filer_write_key",
                    "filer_read_key",
                    "operator_key",
                    "shopify_webhook_secret",
                    "token_key",
                )
            },
        )

    def values(self) -> tuple[str, ...]:
        """Every secret in plain text, for tests that look for leaks."""
        return tuple(value.get_secret_value() for _, value in self if isinstance(value, SecretStr))


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
        _add_token_key(path)
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


def _add_token_key(path: Path) -> None:
    """A file from before there were tokens gets its key now; one that lost it does not."""
    kept = json.loads(path.read_bytes())
    if isinstance(kept, dict) and kept.get("format") == _WITHOUT_TOKEN_KEY:
        added = {"format": FORMAT, "token_key": _plain(Secrets.generate())["token_key"]}
        _write(path, {**kept, **added})


def _plain(secrets: Secrets) -> dict[str, object]:
    return {
        name: value.get_secret_value() if isinstance(value, SecretStr) else value
        for name, value in secrets
    }


def _write(path: Path, plain: dict[str, object]) -> None:
    write_private(path, json.dumps(plain, indent=2) + "\n")
