"""What a sender must know of a platform: where ingest listens, what it verifies with."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr

from shared.runtime.settings import CONNECTION_FILE, Settings


class SenderSettings(Settings):
    """The shared settings and those of ingest that the vendors' side needs.

    Secrets come from the environment or the connection file, never from an argument.
    """

    ingest_port: int = Field(default=8090, description="port of ingest")
    ingest_shopify_secrets: SecretStr = Field(
        default=SecretStr(""), description="Shopify app secrets, separated by commas"
    )
    ingest_stripe_secrets: SecretStr = Field(
        default=SecretStr(""), description="Stripe endpoint secrets, separated by commas"
    )
    ingest_hubspot_secrets: SecretStr = Field(
        default=SecretStr(""), description="HubSpot client secrets, separated by commas"
    )
    ingest_mailchimp_secrets: SecretStr = Field(
        default=SecretStr(""), description="secrets in Mailchimp's address, separated by commas"
    )
    ingest_standard_secrets: SecretStr = Field(
        default=SecretStr(""), description="secrets of Standard Webhooks, separated by commas"
    )
    ingest_ga4_secrets: SecretStr = Field(
        default=SecretStr(""), description="tokens that may name exports of GA4"
    )
    ingest_public_urls: str = Field(
        default="", description="what vendors call instead of ingest's own address"
    )

    def secrets(self, source: str) -> SecretStr:
        """Active secrets of a source, separated by commas."""
        found: SecretStr = getattr(self, f"ingest_{source}_secrets")
        return found

    @property
    def ingest_url(self) -> str:
        """Address of ingest."""
        return f"http://{self.bind}:{self.ingest_port}"

    @classmethod
    def of(cls, directory: Path) -> Self:
        """Settings of the embedded platform whose data directory this is."""
        return cls(_env_file=directory / CONNECTION_FILE)
