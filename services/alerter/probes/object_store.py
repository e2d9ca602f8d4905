"""Does the object store show us the warehouse's bucket?"""

from __future__ import annotations

from urllib.parse import urlsplit

from services.alerter.probes.http import NotAsItShould
from shared.runtime.s3_requests import ObjectStore
from shared.runtime.settings import Settings


class ObjectStoreProbe:
    """Asks for one key of the warehouse, signed: that its listing works, not only its port."""

    def __init__(self, settings: Settings, timeout_s: float) -> None:
        self._settings = settings
        self._timeout_s = timeout_s
        place = urlsplit(settings.catalog_warehouse)
        self._bucket = place.netloc or settings.catalog_warehouse
        prefix = place.path.strip("/")
        self._prefix = f"{prefix}/" if prefix else ""

    async def __call__(self) -> None:
        """Ask once; raises whatever went wrong."""
        query = {"list-type": "2", "max-keys": "1", "prefix": self._prefix}
        async with ObjectStore(self._settings, self._timeout_s) as store:
            answer = await store.ask("GET", self._bucket, query=query)
        if answer.status != 200:
            raise NotAsItShould(f"a listing of {self._bucket} answered {answer.status}")
