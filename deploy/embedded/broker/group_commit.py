"""Group commit: what is collected between two flushes is written, synced and answered together.

The base of the two files that grow, partition logs and the journal of offsets. Everything of one
round shares one future, which tells whether it became durable.
"""

import asyncio
from abc import ABC, abstractmethod
from typing import Generic, TypeVar

from .errors import ErrorCode
from .flusher import Flusher, Job

T = TypeVar("T")
Outcome = asyncio.Future[ErrorCode]


class Round(Generic[T]):
    """What becomes durable together, or not at all."""

    def __init__(self) -> None:
        self.items: list[T] = []
        self.outcome: Outcome = asyncio.get_running_loop().create_future()

    def end(self, code: ErrorCode) -> None:
        """Tell everybody who waits; a waiter that was cancelled does no harm."""
        if not self.outcome.done():
            self.outcome.set_result(code)


class GroupCommit(ABC, Generic[T]):
    """Collects on the event loop, writes in the flusher's threads, publishes on the loop."""

    def __init__(self, flusher: Flusher) -> None:
        self._flusher = flusher
        self.collecting: Round[T] | None = None
        self.writing: Round[T] | None = None

    @abstractmethod
    def write_job(self, items: list[T]) -> Job:
        """What writes and syncs the items, in a thread; it raises OSError."""

    @abstractmethod
    def publish(self, items: list[T]) -> None:
        """The items are durable."""

    @abstractmethod
    def take_back(self, items: list[T]) -> None:
        """The items, newest last, are not on the disk."""

    @property
    def unpublished(self) -> list[T]:
        """What was collected and is not known to be durable, in order."""
        return [item for each in (self.writing, self.collecting) if each for item in each.items]

    def collect(self, items: list[T]) -> Outcome:
        """Have items written by the next flush."""
        if self.collecting is None:
            self.collecting = Round()
            self._flusher.request(self)
        self.collecting.items += items
        return self.collecting.outcome

    def begin_flush(self) -> Job | None:
        """Take what was collected."""
        self.writing, self.collecting = self.collecting, None
        return self.write_job(self.writing.items) if self.writing else None

    def finish_flush(self, error: OSError | None) -> None:
        """Publish what is durable; or take it back, and what builds on it."""
        if error is not None:
            self.fail()
            return
        done, self.writing = self.writing, None
        if done is not None:
            self.publish(done.items)
            done.end(ErrorCode.NONE)

    def fail(self) -> None:
        """Take back everything that is not durable."""
        rounds = [each for each in (self.writing, self.collecting) if each]
        self.take_back(self.unpublished)
        self.writing = self.collecting = None
        for each in rounds:
            each.end(ErrorCode.KAFKA_STORAGE_ERROR)
