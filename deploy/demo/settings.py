"""What a demonstration must know of a platform beside what a sender must."""

from __future__ import annotations

from pydantic import Field

from deploy.generator.settings import SenderSettings


class DemoSettings(SenderSettings):
    """Settings of a sender, and where transformer listens."""

    transformer_port: int = Field(default=8084, description="port of transformer")

    @property
    def transformer_url(self) -> str:
        """Address of transformer."""
        return f"http://{self.bind}:{self.transformer_port}"
