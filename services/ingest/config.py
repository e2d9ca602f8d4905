"""Settings of ingest: ``BERGLINE_INGEST_…`` beside what every process shares."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, field_validator

from services.ingest.source_settings import SourceSettings, Urls
from shared.contracts.topics import MAX_RECORD_BYTES

MEBIBYTE = 1024 * 1024


class IngestSettings(SourceSettings):
    """What ingest is told at start."""

    ingest_port: int = Field(default=8090, ge=0, le=65535, description="port of HTTP; 0: any free")
    ingest_public_urls: Urls = Field(
        default=(),
        description="what vendors call instead of this process, separated by commas: scheme, host "
        "and the prefix that a proxy takes off; for signatures that cover the address",
    )
    ingest_skip_signature_validation: bool = Field(
        default=False, description="accept unsigned deliveries; for tests only"
    )
    ingest_body_limit_bytes: int = Field(
        default=2 * MEBIBYTE,
        ge=1024,
        # A dead letter holds the body in base64, and it must fit a record.
        le=MAX_RECORD_BYTES * 5 // 8,
        description="largest body; larger ones are answered 413",
    )
    ingest_body_timeout_s: float = Field(
        default=2.0, gt=0, le=2.5, description="longest wait for the whole body"
    )
    ingest_ack_timeout_s: float = Field(
        default=1.9, gt=0, le=2.0, description="longest wait for the broker's acknowledgement"
    )
    ingest_max_in_flight: int = Field(
        default=10_000, ge=1, description="deliveries held at once; more are answered 503"
    )
    ingest_max_in_flight_bytes: int = Field(
        default=128 * MEBIBYTE, ge=4 * MEBIBYTE, description="bytes of bodies held at once"
    )
    ingest_rate_limit_per_s: float = Field(
        default=0, ge=0, description="verified deliveries per second and source; 0: no limit"
    )
    ingest_spool: bool = Field(
        default=True, description="keep deliveries on disk while the broker does not take them"
    )
    ingest_spool_dir: Path | None = Field(
        default=None,
        description="directory of the spool, on a local disk; empty: spool/ in the data directory",
    )
    ingest_spool_max_bytes: int = Field(
        default=1024 * MEBIBYTE, ge=64 * 1024, description="most that an instance's spool takes"
    )
    ingest_spool_source_share: float = Field(
        default=0.5, gt=0, le=1, description="part of the spool that one source may fill"
    )
    ingest_spool_after_s: float = Field(
        default=1.0,
        gt=0,
        le=2.0,
        description="longest wait for the broker's acknowledgement before a delivery is spooled",
    )

    @field_validator("ingest_spool_dir", mode="before")
    @classmethod
    def _empty_is_default(cls, value: object) -> object:
        return None if value == "" else value

    @field_validator("ingest_public_urls")
    @classmethod
    def _absolute(cls, urls: tuple[str, ...]) -> tuple[str, ...]:
        for url in urls:
            if not url.startswith(("https://", "http://")):
                raise ValueError("an address begins with https://")
        return urls
