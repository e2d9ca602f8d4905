"""What a platform tells of its builds, read on from where it was read to before."""

from __future__ import annotations

import time
from weakref import WeakKeyDictionary

from confluent_kafka import Consumer, TopicPartition

from shared.contracts.builds import BuildFailed, BuildStarted, BuildSucceeded
from shared.contracts.event import Event
from shared.contracts.topics import BUILDS
from shared.runtime.settings import Settings
from tests.support.platform import EmbeddedPlatform

_TYPES = {each.type: each for each in (BuildStarted, BuildSucceeded, BuildFailed)}
_WITHIN_S = 20.0


class _Followed:
    def __init__(self, settings: Settings) -> None:
        self._topic = settings.environment.topic(BUILDS)
        self._consumer = Consumer({"bootstrap.servers": settings.brokers, "group.id": "builds"})
        known = self._consumer.list_topics(self._topic, timeout=_WITHIN_S).topics[self._topic]
        self._next = dict.fromkeys(known.partitions, 0)
        self._consumer.assign([TopicPartition(self._topic, number, 0) for number in self._next])
        self._events: list[Event] = []

    def until_now(self) -> list[Event]:
        ends = {}
        for number in self._next:
            place = TopicPartition(self._topic, number)
            ends[number] = self._consumer.get_watermark_offsets(place, timeout=_WITHIN_S)[1]
        give_up = time.monotonic() + _WITHIN_S
        while any(self._next[number] < end for number, end in ends.items()):
            assert time.monotonic() < give_up, (self._next, ends)
            for message in self._consumer.consume(1000, 0.1):
                assert message.error() is None, message.error()
                wire = dict(message.headers() or ())["ce_type"]
                assert isinstance(wire, bytes)
                self._events.append(_TYPES[wire.decode()].decode(message.value() or b""))
                self._next[message.partition() or 0] = (message.offset() or 0) + 1
        return list(self._events)


_FOLLOWED: WeakKeyDictionary[EmbeddedPlatform, _Followed] = WeakKeyDictionary()


def builds(platform: EmbeddedPlatform) -> list[Event]:
    """Every event of ``lakehouse.builds`` so far, in order of each target."""
    if platform not in _FOLLOWED:
        _FOLLOWED[platform] = _Followed(platform.settings)
    return _FOLLOWED[platform].until_now()
