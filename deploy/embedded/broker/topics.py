"""The topics: names, incarnations, partition counts, settings. One file, replaced atomically.

A topic's directory carries its incarnation, so a topic that is deleted and made again starts
empty, even if the broker dies before the old files are gone.
"""

import asyncio
import json
import logging
import shutil
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from .errors import ErrorCode, KafkaError
from .files import write_atomically
from .flusher import Flusher
from .offsets import OffsetStore
from .partition_log import PartitionLog
from .topic_configs import checked, log_config
from .topic_names import check_name

log = logging.getLogger(__name__)


@dataclass
class Topic:
    """A topic and its partitions."""

    name: str
    incarnation: str
    configs: dict[str, str]
    partitions: list[PartitionLog]


class Topics:
    """All topics; changes are durable before they are visible."""

    def __init__(
        self,
        directory: Path,
        flusher: Flusher,
        offsets: OffsetStore,
        *,
        max_topics: int,
        max_partitions: int,
    ) -> None:
        self._directory = directory
        self._flusher = flusher
        self._offsets = offsets
        self._max_topics = max_topics
        self._max_partitions = max_partitions
        self._topics: dict[str, Topic] = {}
        self._changing = asyncio.Lock()

    def __iter__(self) -> Iterator[Topic]:
        return iter(list(self._topics.values()))

    def __len__(self) -> int:
        return len(self._topics)

    def get(self, name: str) -> Topic | None:
        """The topic, if it exists."""
        return self._topics.get(name)

    def partition(self, name: str, number: int) -> PartitionLog:
        """One partition's log; raises KafkaError 3."""
        topic = self._topics.get(name)
        if topic is None or not 0 <= number < len(topic.partitions):
            raise KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
        return topic.partitions[number]

    def partition_count(self) -> int:
        """Partitions of all topics."""
        return sum(len(topic.partitions) for topic in self._topics.values())

    def _check_new(self, name: str, partitions: int) -> None:
        check_name(name)
        if name in self._topics:
            raise KafkaError(ErrorCode.TOPIC_ALREADY_EXISTS, f"Topic '{name}' already exists.")
        folded = name.replace(".", "_")
        for other in self._topics:
            if other.replace(".", "_") == folded:
                raise KafkaError(
                    ErrorCode.INVALID_TOPIC_EXCEPTION,
                    f"Topic '{name}' collides with existing topic: {other}",
                )
        if partitions < 1:
            raise KafkaError(
                ErrorCode.INVALID_PARTITIONS,
                "Number of partitions was set to an invalid non-positive value.",
            )
        self._check_limits(1, partitions)

    async def create(
        self,
        name: str,
        partitions: int,
        configs: Mapping[str, str | None],
        *,
        validate_only: bool = False,
    ) -> None:
        """Create a topic; raises KafkaError, OSError."""
        async with self._changing:
            self._check_new(name, partitions)
            topic = Topic(name, uuid.uuid4().hex[:12], checked(configs), [])
            if validate_only:
                return
            logs = self._logs(topic, 0, partitions)
            await asyncio.to_thread(_recover_all, logs)
            topic.partitions = logs
            await self._save({**self._topics, name: topic})
            self._topics[name] = topic

    async def delete(self, name: str) -> None:
        """Delete a topic, the offsets committed for it and its files; raises KafkaError 3."""
        async with self._changing:
            topic = self._topics.get(name)
            if topic is None:
                raise KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
            await self._save({key: each for key, each in self._topics.items() if key != name})
            del self._topics[name]
            for partition in topic.partitions:
                partition.mark_deleted()
            await asyncio.shield(self._offsets.forget(lambda _, topic: topic == name))
            await asyncio.to_thread(self._remove_files, topic)

    def _check_partition_count(self, name: str, count: int) -> None:
        topic = self._topics.get(name)
        if topic is None:
            raise KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
        present = len(topic.partitions)
        if count == present:
            raise KafkaError(
                ErrorCode.INVALID_PARTITIONS, f"Topic already has {present} partition(s)."
            )
        if count < present:
            raise KafkaError(
                ErrorCode.INVALID_PARTITIONS,
                f"The topic {name} currently has {present} partition(s); "
                f"{count} would not be an increase.",
            )
        self._check_limits(0, count - present)

    async def grow(self, name: str, count: int, *, validate_only: bool = False) -> None:
        """Add partitions up to ``count``; raises KafkaError, OSError."""
        async with self._changing:
            self._check_partition_count(name, count)
            if validate_only:
                return
            topic = self._topics[name]
            added = self._logs(topic, len(topic.partitions), count)
            await asyncio.to_thread(_recover_all, added)
            grown = Topic(name, topic.incarnation, topic.configs, topic.partitions + added)
            await self._save({**self._topics, name: grown})
            topic.partitions.extend(added)

    async def configure(
        self,
        name: str,
        change: Callable[[Mapping[str, str]], Mapping[str, str | None]],
        *,
        validate_only: bool = False,
    ) -> None:
        """Replace the overrides of a topic by their ``change``; raises KafkaError 3 or 40."""
        async with self._changing:
            topic = self._topics.get(name)
            if topic is None:
                raise KafkaError(
                    ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, f"The topic '{name}' does not exist."
                )
            valid = checked(change(topic.configs))
            if validate_only:
                return
            changed = Topic(name, topic.incarnation, valid, topic.partitions)
            await self._save({**self._topics, name: changed})
            topic.configs = valid
            for partition in topic.partitions:
                partition.config = log_config(valid)

    def load(self) -> None:
        """Read the file and recover all logs; raises BrokerError. Blocks, before the start."""
        if not self._file.exists():
            return
        for name, entry in json.loads(self._file.read_bytes())["topics"].items():
            topic = Topic(name, entry["incarnation"], entry["configs"], [])
            topic.partitions = self._logs(topic, 0, entry["partitions"])
            _recover_all(topic.partitions)
            self._topics[name] = topic
        self._remove_orphans()

    async def forget_strays(self) -> None:
        """Forget offsets of topics that were deleted just before a crash."""
        known = self._topics.keys()
        if any(topic not in known for _, (topic, _), _ in self._offsets):
            await self._offsets.forget(lambda _, topic: topic not in known)

    @property
    def _file(self) -> Path:
        return self._directory / "topics.json"

    def _path(self, topic: Topic) -> Path:
        return self._directory / "topics" / topic.name / topic.incarnation

    def _logs(self, topic: Topic, first: int, end: int) -> list[PartitionLog]:
        config = log_config(topic.configs)
        return [
            PartitionLog(self._path(topic) / str(number), config, self._flusher)
            for number in range(first, end)
        ]

    def _check_limits(self, topics: int, partitions: int) -> None:
        if len(self._topics) + topics > self._max_topics:
            raise KafkaError(
                ErrorCode.POLICY_VIOLATION, f"This broker holds at most {self._max_topics} topics."
            )
        if self.partition_count() + partitions > self._max_partitions:
            raise KafkaError(
                ErrorCode.POLICY_VIOLATION,
                f"This broker holds at most {self._max_partitions} partitions.",
            )

    async def _save(self, topics: Mapping[str, Topic]) -> None:
        content = {
            name: {
                "incarnation": topic.incarnation,
                "partitions": len(topic.partitions),
                "configs": topic.configs,
            }
            for name, topic in topics.items()
        }
        encoded = json.dumps({"topics": content}, indent=1).encode()
        try:
            await asyncio.to_thread(write_atomically, self._file, encoded)
        except OSError as error:
            log.error("topics.json could not be written: %s", error)  # noqa: TRY400
            raise KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, str(error)) from error

    def _remove_files(self, topic: Topic) -> None:
        shutil.rmtree(self._path(topic), ignore_errors=True)
        parent = self._path(topic).parent
        if parent.is_dir() and not any(parent.iterdir()):
            parent.rmdir()

    def _remove_orphans(self) -> None:
        """Files of topics that were deleted, or never completely created, before a crash."""
        known = {self._path(topic) for topic in self._topics.values()}
        for path in (self._directory / "topics").glob("*/*"):
            if path not in known:
                shutil.rmtree(path, ignore_errors=True)


def _recover_all(logs: list[PartitionLog]) -> None:
    for partition in logs:
        partition.recover()
