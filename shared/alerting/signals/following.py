"""What every source has in common that follows topics."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar

from shared.alerting.series import Vector
from shared.contracts.event import Event

NOTHING: frozenset[str] = frozenset()


class Following(ABC):
    """A source of signals (:class:`shared.alerting.series.SignalSource`) that is fed by events.

    It knows how things are once it has caught up with every topic that it reads: those who feed it
    say so. Events of before are history: nothing is counted from them.
    """

    reads: ClassVar[frozenset[str]]
    """Logical topics whose events it wants."""
    names: frozenset[str]
    """The signals that it gives."""

    def __init__(self) -> None:
        self._awaited = set(self.reads)

    def caught_up(self, topic: str) -> None:
        """What was in this topic at the start has been told."""
        self._awaited.discard(topic)

    @property
    def history(self) -> bool:
        """Whether events are still those of before the start."""
        return bool(self._awaited)

    def known(self, now: float) -> bool:  # noqa: ARG002 - as sources are asked
        """Whether it has caught up with what it reads."""
        return not self._awaited

    @abstractmethod
    def event(self, event: Event) -> frozenset[str]:
        """Take in one event; the signals that it changed. One told before changes nothing."""

    def gone(self, table: str) -> frozenset[str]:  # noqa: ARG002 - as sources are asked
        """A table is there no more; the signals that this changed."""
        return NOTHING

    @abstractmethod
    def vectors(self, now: float) -> Mapping[str, Vector]:
        """The present vectors of all of its signals."""
