"""One broker: its storage, groups and bounds, put together; what the handlers work on."""

import asyncio
import logging
import time
from concurrent.futures import ThreadPoolExecutor

from .budget import ByteBudget
from .coordinator import Coordinator
from .data_dir import DataDir
from .flusher import Flusher
from .metrics import Metrics
from .offsets import OffsetStore
from .settings import Settings
from .topics import Topics

log = logging.getLogger(__name__)

NODE_ID = 1


class Broker:
    """Built and recovered before the first connection is accepted."""

    def __init__(self, settings: Settings, data_dir: DataDir) -> None:
        self.settings = settings
        self.data_dir = data_dir
        self.flusher = Flusher(settings.flush_interval_seconds)
        self.offsets = OffsetStore(data_dir.path / "groups" / "offsets.log", self.flusher)
        self.topics = Topics(
            data_dir.path,
            self.flusher,
            self.offsets,
            max_topics=settings.max_topics,
            max_partitions=settings.max_partitions,
        )
        self.coordinator = Coordinator(
            self.offsets,
            max_groups=settings.max_groups,
            retention_seconds=settings.offsets_retention_seconds,
        )
        self.request_budget = ByteBudget(settings.max_queued_bytes)
        self.fetch_budget = ByteBudget(settings.max_queued_bytes)
        self.readers = ThreadPoolExecutor(4, thread_name_prefix="read")
        self.connection_count = 0
        self.port = settings.port
        self.metrics = Metrics(self)
        self.flushing: asyncio.Task[None] | None = None

    @property
    def cluster_id(self) -> str:
        """A random name that stays with the data directory."""
        return self.data_dir.cluster_id

    @property
    def address(self) -> tuple[str, int]:
        """Host and port that clients are told to connect to."""
        host = self.settings.advertised_host or self.settings.host
        return host, self.settings.advertised_port or self.port

    async def start(self) -> None:
        """Recover everything; raises BrokerError, OSError."""
        self.topics.load()
        self.offsets.load()
        self.flushing = asyncio.create_task(self.flusher.run())
        await self.topics.forget_strays()
        self.coordinator.load()

    async def stop(self) -> None:
        """Flush what was accepted and write what makes the next start fast."""
        self.coordinator.close()
        self.flusher.close()
        if self.flushing is not None:
            await self.flushing
        for topic in self.topics:
            for partition in topic.partitions:
                try:
                    partition.close()
                except OSError as error:  # the disk is full: the next start reads the log instead
                    log.warning("%s is closed as a crash would: %s", partition.directory, error)
        self.readers.shutdown()
        self.data_dir.close()


def wall_clock_ms() -> int:
    """Milliseconds since 1970, as Kafka stamps records."""
    return int(time.time() * 1000)
