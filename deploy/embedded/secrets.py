"""Secrets of one installation: generated at the first start, kept in a file of mode 0600.

They reach the services through the connection file and SeaweedFS through its keys file and
environment: never through an argument list, a log or the terminal.
"""

from __future__ import annotations

import secrets as randomness
import stat
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from deploy.embedded.layout import write_private
from shared.runtime.errors import ConfigurationError

FORMAT = 1


def _random() -> SecretStr:
    return SecretStr(randomness.token_hex(32))


class Secrets(BaseModel):
    """Everything that must stay private on this machine."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = FORMAT
    s3_access_key: str = Field(default_factory=lambda: f"bergline-{randomness.token_hex(8)}")
    s3_secret_key: SecretStr = Field(default_factory=_random)
    volume_write_key: SecretStr = Field(default_factory=_random)
    volume_read_key: SecretStr = Field(default_factory=_random)
    filer_write_key: SecretStr = Field(default_factory=_random)
    filer_read_key: SecretStr = Field(default_factory=_random)
    operator_key: SecretStr = Field(default_factory=_random)
    shopify_webhook_secret: SecretStr = Field(default_factory=_random)
    stripe_webhook_secret: SecretStr = Field(
        default_factory=lambda: SecretStr(f"whsec_{randomness.token_urlsafe(32)}")
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
        generated = Secrets()
        plain = {
            name: value.get_secret_value() if isinstance(value, SecretStr) else value
            for name, value in generated
        }
        write_private(path, _json(plain))
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise ConfigurationError(
            f"{path} can be read by others (mode {mode:04o})",
            f"if nobody has read it: chmod 600 {path}; otherwise delete the data directory",
        )
    try:
        return Secrets.model_validate_json(path.read_bytes())
    except ValidationError as error:
        # The error's own text would print the values.
        raise ConfigurationError(
            f"{path} is damaged: {error.error_count()} fields are wrong or missing",
            "restore it; without it the stored data cannot be opened",
        ) from None


def _json(plain: dict[str, object]) -> str:
    import json

    return json.dumps(plain, indent=2) + "\n"
