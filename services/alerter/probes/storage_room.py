"""How much room the object store has left: of its own metrics, or of a local file system."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Mapping
from pathlib import Path

import structlog
from prometheus_client.parser import text_string_to_metric_families

from services.alerter.probes.http import NotAsItShould, asked, session
from services.alerter.probes.settings import ProbeSettings
from shared.alerting.series import Vector, labels
from shared.runtime.outage import Outage

log = structlog.stdlib.get_logger("bergline.alerter")

RATIO = "lakehouse_storage_free_ratio"
FREE = "lakehouse_storage_free_bytes"
TOTAL = "lakehouse_storage_total_bytes"

_MINIO = ("minio_cluster_capacity_usable_free_bytes", "minio_cluster_capacity_usable_total_bytes")
_SEAWEEDFS = "SeaweedFS_volumeServer_resource"

Room = tuple[float, float]
"""Free and total bytes."""


class StorageRoom:
    """A source of signals (:class:`shared.alerting.series.SignalSource`).

    Where nothing is set it has no series, and knows that. While the store does not tell, it does
    not know.
    """

    names = frozenset({RATIO, FREE, TOTAL})

    def __init__(self, settings: ProbeSettings) -> None:
        self._url = settings.alerter_storage_metrics
        self._path = settings.alerter_storage_path
        self._every_s = settings.alerter_probe_every_s
        self._timeout_s = settings.alerter_probe_timeout_s
        self._room: Room | None = None
        self._task: asyncio.Task[None] | None = None
        self._looking: asyncio.Future[Room] | None = None

    def start(self) -> None:
        """Begin in the background, if there is somebody to ask."""
        if self._url or self._path is not None:
            self._task = asyncio.create_task(self._run(), name="probe storage room")

    async def stop(self) -> None:
        """End."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    def known(self, now: float) -> bool:  # noqa: ARG002 - as sources are asked
        """Whether the last answer was one, or nobody is to be asked."""
        return self._task is None or self._room is not None

    def vectors(self, now: float) -> Mapping[str, Vector]:  # noqa: ARG002 - as sources are asked
        """The last answer."""
        if self._room is None:
            return {name: {} for name in self.names}
        free, total = self._room
        series = labels(target="object_store")
        ratio = {series: free / total} if total else {}
        return {RATIO: ratio, FREE: {series: free}, TOTAL: {series: total}}

    async def _run(self) -> None:
        outage = Outage(log, "room of the object store not known")
        while True:
            try:
                self._room = await self._asked()
                outage.over()
            except Exception as error:  # noqa: BLE001 - asked again
                self._room = None
                outage.failed(error)
            await asyncio.sleep(self._every_s)

    async def _asked(self) -> Room:
        if not self._url and self._path is not None:
            return await self._looked(self._path)
        async with asyncio.timeout(self._timeout_s), session() as client:
            return of_metrics((await asked(client, "GET", self._url)).decode("utf-8", "replace"))

    async def _looked(self, path: Path) -> Room:
        """A file system that hangs keeps one thread, however often it is asked."""
        if self._looking is None:
            self._looking = asyncio.ensure_future(asyncio.to_thread(of_path, path))
        try:
            async with asyncio.timeout(self._timeout_s):
                return await asyncio.shield(self._looking)
        finally:
            if self._looking.done():
                self._looking = None


def of_path(path: Path) -> Room:
    """Room of the file system that a path is on. Raises ``OSError``: it is not there."""
    usage = shutil.disk_usage(path)
    return float(usage.free), float(usage.free + usage.used)


def of_metrics(text: str) -> Room:
    """Room as MinIO's cluster metrics or a volume server of SeaweedFS tell it.

    Raises:
        NotAsItShould: neither is among the metrics.
    """
    free = total = 0.0
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == _SEAWEEDFS:
                free += sample.value if sample.labels.get("type") == "free" else 0.0
                total += sample.value if sample.labels.get("type") == "all" else 0.0
            elif sample.name in _MINIO:
                free += sample.value if sample.name == _MINIO[0] else 0.0
                total += sample.value if sample.name == _MINIO[1] else 0.0
    if not total:
        raise NotAsItShould(f"the metrics have neither {_MINIO[1]} nor {_SEAWEEDFS}")
    return free, total
