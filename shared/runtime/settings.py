"""Where the platform's parts are: settings that every process shares.

Read once at start from environment variables (``BERGLINE_…``), then from ``bergline.env`` in the
data directory, which the embedded platform writes (mode 0600). Frozen afterwards.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.contracts.environment import Environment
from shared.runtime.export_places import Places, prefixes_of

DATA_DIR_VARIABLE = "BERGLINE_DATA_DIR"
DEFAULT_DATA_DIR = Path(".bergline")
CONNECTION_FILE = "bergline.env"
EXPORTS_DIR = "exports"
"""Below the data directory: where exports may be read from when no prefix is set."""


def data_dir() -> Path:
    """The data directory: ``BERGLINE_DATA_DIR`` or ``./.bergline``."""
    return Path(os.environ.get(DATA_DIR_VARIABLE) or DEFAULT_DATA_DIR)


class Settings(BaseSettings):
    """Connections shared by all services and the command line.

    Services extend it with their own fields (prefix ``BERGLINE_<SERVICE>_``).
    """

    model_config = SettingsConfigDict(
        env_prefix="BERGLINE_",
        frozen=True,
        extra="ignore",
        env_file_encoding="utf-8",
        hide_input_in_errors=True,  # it may be a secret that is not as it should be
    )

    env: str = Field(default="", description="prefix of topics, groups and namespaces")
    brokers: str = Field(default="127.0.0.1:9092", description="Kafka bootstrap servers")
    broker_username: str | None = Field(default=None, description="SASL/PLAIN user")
    broker_password: SecretStr | None = Field(default=None, description="SASL/PLAIN password")
    broker_tls: bool = Field(default=False, description="TLS to the broker")
    broker_admin: str = Field(
        default="http://127.0.0.1:9644", description="broker's admin address (readiness, metrics)"
    )
    catalog_uri: str = Field(default="http://127.0.0.1:8181", description="Iceberg REST catalog")
    catalog_warehouse: str = Field(default="s3://warehouse", description="warehouse location")
    catalog_credential: SecretStr | None = Field(
        default=None, description="OAuth2 client credential KEY:SECRET for the catalog"
    )
    s3_endpoint: str | None = Field(
        default="http://127.0.0.1:9000", description="S3 endpoint; empty for AWS"
    )
    s3_access_key: str | None = Field(default=None, description="S3 access key id")
    s3_secret_key: SecretStr | None = Field(default=None, description="S3 secret access key")
    s3_region: str = Field(default="us-east-1", description="S3 region")
    operator_key: SecretStr | None = Field(
        default=None, description="key that signs operator commands"
    )
    export_prefixes: str = Field(
        default="",
        description="where exports may be read from, separated by commas: absolute directories or "
        "s3://bucket/… of the same store; empty: exports/ in the data directory",
    )
    bind: str = Field(default="127.0.0.1", description="address that HTTP listens on")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="lowest level logged"
    )
    log_format: Literal["auto", "json", "text"] = Field(
        default="auto", description="auto: text on a terminal, otherwise json"
    )

    @field_validator(
        "broker_username",
        "broker_password",
        "catalog_credential",
        "s3_endpoint",
        "s3_access_key",
        "s3_secret_key",
        "operator_key",
        mode="before",
    )
    @classmethod
    def _empty_is_unset(cls, value: object) -> object:
        """An empty secret must never count as one: anybody can sign with it."""
        return None if value == "" else value

    @field_validator("export_prefixes")
    @classmethod
    def _allowable(cls, value: str) -> str:
        prefixes_of(value, data_dir() / EXPORTS_DIR)
        return value

    @property
    def export_places(self) -> Places:
        """Where exports may be read from."""
        return Places(prefixes_of(self.export_prefixes, data_dir() / EXPORTS_DIR))

    @property
    def environment(self) -> Environment:
        """The environment's naming."""
        return Environment(self.env)

    @classmethod
    def load(cls) -> Self:
        """Settings of this process: environment first, then the data directory's file.

        Raises:
            ConfigurationError: a value is wrong; the message names the variable.
        """
        from pydantic import ValidationError

        from shared.runtime.errors import ConfigurationError

        try:
            settings = cls(_env_file=data_dir() / CONNECTION_FILE)
            _ = settings.environment
        except ValidationError as error:
            first = error.errors()[0]
            prefix = cls.model_config.get("env_prefix", "")
            name = f"{prefix}{'_'.join(str(part) for part in first['loc'])}".upper()
            raise ConfigurationError(
                f"setting {name}: {first['msg']}", "correct or unset the variable"
            ) from None
        except ValueError as error:
            raise ConfigurationError(str(error)) from None
        return settings
