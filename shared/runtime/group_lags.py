"""How far consumer groups are behind the ends of what they read, asked again and again."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from shared.runtime.broker_clients import admin, consumer
from shared.runtime.errors import BerglineError
from shared.runtime.settings import Settings


@dataclass(frozen=True, slots=True)
class GroupLag:
    """One group.

    Attributes:
        members: how many are in it.
        behind: logical topic → records behind the committed offsets, all partitions together.
    """

    members: int
    behind: Mapping[str, int]


class GroupLags:
    """Asks over connections that stay open; after an error of :meth:`ask` they are to be closed.

    Topics that are there no more, and those of other environments, are left out.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._stack: contextlib.AsyncExitStack | None = None
        self._admin: AIOKafkaAdminClient
        self._consumer: AIOKafkaConsumer

    async def ask(self) -> Mapping[str, GroupLag]:
        """Every group of this environment by its logical name.

        Connections from before may have been closed meanwhile, so an error of theirs is no answer
        yet.

        Raises:
            Unavailable, aiokafka.errors.KafkaError, OSError: the broker does not answer.
        """
        if self._stack is not None:
            try:
                return await self._asked()
            except (BerglineError, KafkaError, OSError):
                await self.close()
        await self._open()
        return await self._asked()

    async def _asked(self) -> Mapping[str, GroupLag]:
        prefix = self._settings.environment.group("")
        found = [name for name, *_ in await self._admin.list_consumer_groups()]
        names = sorted(name for name in found if name.startswith(prefix))
        if not names:
            return {}
        members: dict[str, int] = {}
        for name in names:
            # One at a time: aiokafka 0.14 reads the answer to its newest request by an older
            # schema, which fits a single group only.
            for response in await self._admin.describe_consumer_groups([name]):
                for _, group, _, _, _, joined, *_ in response.groups:
                    members[group] = len(joined)
        committed = {name: await self._committed(name) for name in names}
        ends = await self._ends({each for offsets in committed.values() for each in offsets})
        return {
            name.removeprefix(prefix): GroupLag(
                members.get(name, 0), self._behind(committed[name], ends)
            )
            for name in names
        }

    async def close(self) -> None:
        """Close the connections, if there are any; asking opens them again."""
        if self._stack is not None:
            stack, self._stack = self._stack, None
            with contextlib.suppress(Exception):
                await stack.aclose()

    async def _open(self) -> None:
        async with contextlib.AsyncExitStack() as stack:
            self._admin = await stack.enter_async_context(admin(self._settings))
            self._consumer = await stack.enter_async_context(consumer(self._settings))
            self._stack = stack.pop_all()

    async def _committed(self, group: str) -> dict[TopicPartition, int]:
        offsets = await self._admin.list_consumer_group_offsets(group)
        return {tp: at.offset for tp, at in offsets.items() if at.offset >= 0}

    async def _ends(self, wanted: set[TopicPartition]) -> dict[TopicPartition, int]:
        topics = await self._admin.describe_topics(sorted({each.topic for each in wanted}))
        there = {
            TopicPartition(topic["topic"], each["partition"])
            for topic in topics
            for each in topic["partitions"]
        }
        asked = sorted(wanted & there)
        return dict(await self._consumer.end_offsets(asked)) if asked else {}

    def _behind(
        self, committed: Mapping[TopicPartition, int], ends: Mapping[TopicPartition, int]
    ) -> Mapping[str, int]:
        behind: dict[str, int] = {}
        for each, offset in committed.items():
            if each not in ends:
                continue
            with contextlib.suppress(ValueError):  # of another environment
                topic = self._settings.environment.logical_topic(each.topic)
                behind[topic] = behind.get(topic, 0) + max(0, ends[each] - offset)
        return behind
