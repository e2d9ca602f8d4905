"""Settings of ingest: ``BERGLINE_INGEST_…`` beside what every process shares."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import NoDecode

from shared.contracts.topics import MAX_RECORD_BYTES
from shared.runtime.settings import Settings

MEBIBYTE = 1024 * 1024

Secrets = Annotated[tuple[SecretStr, ...], NoDecode]
"""Active secrets, separated by commas: add the new one, roll it at the vendor, drop the old."""


class IngestSettings(Settings):
    """What ingest is told at start."""

    ingest_port: int = Field(default=8090, ge=0, le=65535, description="port of HTTP; 0: any free")
    ingest_shopify_enabled: bool = Field(default=True, description="serve /webhooks/shopify/…")
    ingest_stripe_enabled: bool = Field(default=True, description="serve /webhooks/stripe/…")
    ingest_shopify_secrets: Secrets = Field(
        default=(), description="Shopify app secrets, separated by commas"
    )
    ingest_stripe_secrets: Secrets = Field(
        default=(), description="Stripe endpoint secrets (whsec_…), separated by commas"
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

    @field_validator("ingest_shopify_secrets", "ingest_stripe_secrets", mode="before")
    @classmethod
    def _separated(cls, value: object) -> object:
        """Blank items are dropped: an empty secret would accept forged signatures."""
        if isinstance(value, str):
            return tuple(item.strip() for item in value.split(",") if item.strip())
        return value

    def enabled(self, source: str) -> bool:
        """Whether the routes of a source are served."""
        return bool(getattr(self, f"ingest_{source}_enabled"))

    def secrets(self, source: str) -> tuple[str, ...]:
        """Active secrets of a source."""
        values: tuple[SecretStr, ...] = getattr(self, f"ingest_{source}_secrets")
        return tuple(value.get_secret_value() for value in values)


def secrets_variable(source: str) -> str:
    """Name of the environment variable with a source's secrets."""
    return f"BERGLINE_INGEST_{source.upper()}_SECRETS"
