"""What parsing needs to know of a consumed record."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Record(Protocol):
    """A consumed Kafka record; aiokafka's ``ConsumerRecord`` is one."""

    @property
    def partition(self) -> int:
        """Partition that it was read from."""

    @property
    def offset(self) -> int:
        """Its offset there."""

    @property
    def timestamp(self) -> int | None:
        """Milliseconds since the epoch; -1 or ``None`` when the broker has none."""

    @property
    def key(self) -> bytes | None:
        """Record key."""

    @property
    def value(self) -> bytes | None:
        """Record value."""

    @property
    def headers(self) -> Sequence[tuple[str, bytes | None]]:
        """Record headers in order."""
