"""Settings of ingest: ``BERGLINE_INGEST_…`` beside what every process shares."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, field_validator

from services.ingest.limits.bodies import BodyLimits
from services.ingest.limits.heads import HeadLimits
from services.ingest.limits.shapes import DEPTH, FORM_DEPTH, FORM_FIELDS, Shape
from services.ingest.source_settings import SourceSettings, Urls
from services.ingest.spool.claim import SPARE
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
    ingest_body_min_bytes_per_s: float = Field(
        default=512,
        ge=0,
        description="slowest a body may come, on average after its first second; 0: any speed",
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
    ingest_in_flight_source_share: float = Field(
        default=0.5, gt=0, le=1, description="part of these two that one source may take"
    )
    ingest_rate_limit_per_s: float = Field(
        default=0,
        ge=0,
        description="verified requests per second of each source; 0: no limit",
    )
    ingest_byte_limit_per_s: float = Field(
        default=0,
        ge=0,
        description="bytes of verified bodies per second of each source; 0: no limit",
    )
    ingest_json_depth_limit: int = Field(
        default=DEPTH, ge=4, le=500, description="how deep arrays and objects may nest"
    )
    ingest_form_fields_limit: int = Field(
        default=FORM_FIELDS, ge=10, le=100_000, description="most fields of a form"
    )
    ingest_form_depth_limit: int = Field(
        default=FORM_DEPTH, ge=2, le=100, description="how deep brackets of a form's fields nest"
    )
    ingest_max_connections: int = Field(
        default=8192,
        ge=1,
        description="connections at once; those that have waited longest make room for new ones",
    )
    ingest_idle_timeout_s: float = Field(
        default=75.0,
        gt=0,
        description="how long a connection may wait for its next request; above that of a proxy",
    )
    ingest_head_timeout_s: float = Field(
        default=5.0, gt=0, description="longest wait for the whole of a request's header fields"
    )
    ingest_head_limit_bytes: int = Field(
        default=32 * 1024,
        ge=1024,
        le=256 * 1024,
        description="most bytes of all header fields; more are answered 431",
    )
    ingest_headers_limit: int = Field(
        default=100, ge=10, le=1000, description="most header fields; more are answered 431"
    )
    ingest_url_limit_bytes: int = Field(
        default=8 * 1024,
        ge=128,
        le=64 * 1024,
        description="longest address with its query; longer ones are answered 414",
    )
    ingest_export_watch_interval_s: float = Field(
        default=30.0, ge=0.05, description="how often watched prefixes are looked at"
    )
    ingest_spool: bool = Field(
        default=True, description="keep deliveries on disk while the broker does not take them"
    )
    ingest_spool_dir: Path | None = Field(
        default=None,
        description="directory of the spool, on a local disk; empty: spool/ in the data directory",
    )
    ingest_spool_number: int | None = Field(
        default=None,
        ge=0,
        lt=SPARE,
        description="this instance's directory in the spool, the same after every restart; empty: "
        "the first that is free",
    )
    ingest_spool_max_bytes: int = Field(
        default=1024 * MEBIBYTE,
        ge=64 * 1024,
        description="most that an instance's spool takes, with what it has taken over of others",
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

    @field_validator("ingest_spool_dir", "ingest_spool_number", mode="before")
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

    @property
    def body_limits(self) -> BodyLimits:
        """Bounds of a body on the wire."""
        return BodyLimits(
            self.ingest_body_limit_bytes,
            self.ingest_body_timeout_s,
            self.ingest_body_min_bytes_per_s,
        )

    @property
    def head_limits(self) -> HeadLimits:
        """Bounds of a request's head."""
        return HeadLimits(
            self.ingest_url_limit_bytes, self.ingest_headers_limit, self.ingest_head_limit_bytes
        )

    def shape(self, source: str, documented_events: int) -> Shape:
        """Bounds of what is in bodies for an endpoint that names so many events at most."""
        return Shape(
            depth=self.ingest_json_depth_limit,
            events=self.events_limit(source, documented_events),
            form_fields=self.ingest_form_fields_limit,
            form_depth=self.ingest_form_depth_limit,
        )

    def rates(self, source: str) -> tuple[float, float]:
        """Verified requests and bytes per second of a source; 0: no limit."""
        requests, size = self.own_rates(source)
        return (
            self.ingest_rate_limit_per_s if requests is None else requests,
            self.ingest_byte_limit_per_s if size is None else size,
        )
