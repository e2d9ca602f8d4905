"""Is the broker ready?"""

from __future__ import annotations

from services.alerter.probes.http import asked, session
from shared.runtime.broker_clients import admin
from shared.runtime.settings import Settings


class BrokerProbe:
    """Asks its admin address, as Redpanda has one; without one, as a Kafka client for metadata."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def __call__(self) -> None:
        """Ask once; raises whatever went wrong."""
        if not self._settings.broker_admin:
            async with admin(self._settings) as client:
                await client.list_topics()
            return
        async with session() as client:
            address = self._settings.broker_admin.rstrip("/")
            await asked(client, "GET", f"{address}/v1/status/ready")
