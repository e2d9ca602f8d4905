"""What a sender must know of a platform: where services listen, what ingest verifies with."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr

from shared.runtime.settings import CONNECTION_FILE, Settings


class DemoSettings(Settings):
    """The shared settings and those of services that the vendors' side needs.

    Secrets come from the environment or the connection file, never from an argument.
    """

    ingest_port: int = Field(default=8090, description="port of ingest")
    transformer_port: int = Field(default=8084, description="port of transformer")
    ingest_shopify_secrets: SecretStr = Field(
        default=SecretStr(""), description="Shopify app secrets, separated by commas"
    )
    ingest_stripe_secrets: SecretStr = Field(
        default=SecretStr(""), description="Stripe endpoint secrets, separated by commas"
    )

    @property
    def ingest_url(self) -> str:
        """Address of ingest."""
        return f"http://{self.bind}:{self.ingest_port}"

    @property
    def transformer_url(self) -> str:
        """Address of transformer."""
        return f"http://{self.bind}:{self.transformer_port}"

    @classmethod
    def of(cls, directory: Path) -> DemoSettings:
        """Settings of the embedded platform whose data directory this is."""
        return cls(_env_file=directory / CONNECTION_FILE)
