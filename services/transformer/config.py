"""Settings of transformer."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import SettingsConfigDict

from services.transformer.planning.wishes import Patience
from shared.runtime.settings import Settings, data_dir

SHORTEST_KEY = 16
"""Bytes of the token key, as :mod:`services.transformer.tokens` demands; that module is heavy."""


class TransformerSettings(Settings):
    """Variables ``BERGLINE_TRANSFORMER_…`` beside the shared ones.

    The shared connection settings keep their own prefix.
    """

    model_config = SettingsConfigDict(env_prefix="BERGLINE_", frozen=True, extra="ignore")

    transformer_port: int = Field(default=8084, ge=1, le=65535, description="HTTP port")
    transformer_workers: int = Field(
        default=2, ge=1, le=64, description="builds at a time, each in a process of its own"
    )
    transformer_worker_threads: int = Field(
        default=1, ge=1, le=64, description="threads that one build computes with"
    )
    transformer_worker_nice: int = Field(
        default=5, ge=0, le=19, description="added to the scheduling priority number of workers"
    )
    transformer_ray_address: str | None = Field(
        default=None,
        description="a Ray cluster to build on, HOST:PORT; empty: RAY_ADDRESS, or else a Ray that "
        "this process starts",
    )
    transformer_ray_object_store_bytes: int = Field(
        default=100 * 2**20,
        ge=80 * 2**20,
        description="shared memory of the Ray that this process starts; builds do not use it",
    )
    transformer_build_portion_bytes: int = Field(
        default=128 * 2**20,
        ge=1024,
        description="bytes of rows that wait in memory during a build in full, the others in files "
        "below the work directory; a build takes several times as much, and reads and writes less "
        "on disk the more it may hold",
    )
    transformer_build_timeout_s: float = Field(
        default=3600.0, gt=0, description="a build that takes longer is ended and tried again"
    )
    transformer_reconcile_s: float = Field(
        default=30.0,
        gt=0,
        le=3600,
        description="how often targets are compared with the heads of what they read",
    )
    transformer_max_attempts: int = Field(
        default=5, ge=1, description="failures in a row after which a build is given up"
    )
    transformer_backoff_s: float = Field(
        default=1.0, gt=0, description="pause after the first failure; doubles with each further"
    )
    transformer_backoff_longest_s: float = Field(
        default=60.0, gt=0, description="longest pause between two attempts"
    )
    transformer_away_s: float = Field(
        default=15.0,
        gt=0,
        description="longest pause between two attempts while catalog or store do not answer, "
        "for which no build is given up",
    )
    transformer_pause_s: float = Field(
        default=300.0, gt=0, description="pause of a target whose build was given up"
    )
    transformer_time_zone: str = Field(
        default="UTC", description="time zone of the business date, for example Europe/Berlin"
    )
    transformer_session_timeout_s: float = Field(
        default=20.0, ge=6, le=300, description="silence after which a worker loses its targets"
    )
    transformer_work_dir: Path = Field(
        default=Path("transformer"),
        description="directory of Faust and Ray, below the data directory unless absolute",
    )
    transformer_token_key: SecretStr | None = Field(
        default=None, description="key under which e-mail addresses and phones become tokens"
    )

    @field_validator("transformer_ray_address", "transformer_token_key", mode="before")
    @classmethod
    def _unset_when_empty(cls, value: object) -> object:
        return None if value == "" else value

    @field_validator("transformer_token_key")
    @classmethod
    def _long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value().strip().encode()) < SHORTEST_KEY:
            raise ValueError(
                f"it needs {SHORTEST_KEY} bytes, for example what `openssl rand -hex 32` prints"
            )
        return value

    @field_validator("transformer_time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        _zone(value)
        return value

    @property
    def patience(self) -> Patience:
        """How failed builds are repeated."""
        return Patience(
            attempts=self.transformer_max_attempts,
            first_s=self.transformer_backoff_s,
            longest_s=self.transformer_backoff_longest_s,
            away_s=self.transformer_away_s,
            pause_s=self.transformer_pause_s,
        )

    @property
    def ray_address(self) -> str | None:
        """The cluster to build on; ``None`` for a Ray of our own."""
        return self.transformer_ray_address or os.environ.get("RAY_ADDRESS") or None

    @property
    def scratch_dir(self) -> Path:
        """Where builds make directories for what they cannot hold."""
        directory = self.transformer_work_dir / "scratch"
        return directory if directory.is_absolute() else data_dir().absolute() / directory

    def business_date(self, now: datetime) -> date:
        """The business date of a moment."""
        return now.astimezone(_zone(self.transformer_time_zone)).date()


def _zone(name: str) -> tzinfo:
    if name == "UTC":  # needs no database of time zones
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError(f"{name!r} is no time zone that this machine knows") from None
