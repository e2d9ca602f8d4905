"""When ingest instances last kept records in their spool."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from shared.alerting.series import Labels, Vector, labels
from shared.alerting.signals.following import NOTHING, Following
from shared.contracts.event import Event
from shared.contracts.spool import SpoolChanged
from shared.contracts.topics import SPOOL

SINCE_USED = "lakehouse_spool_seconds_since_used"

GONE_AFTER_S = 86_400.0
"""An instance that has told nothing for so long has no series. That one spools is told on the
broker that it waits for, so an end follows soon, or the instance is no more."""


class Spool(Following):
    """Follows what ingest instances tell of their spools."""

    reads: ClassVar[frozenset[str]] = frozenset({SPOOL})
    names = frozenset({SINCE_USED})

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[str, SpoolChanged] = {}

    def event(self, event: Event) -> frozenset[str]:
        """An instance began to spool, or ended; an older change, told again, changes nothing."""
        if not isinstance(event, SpoolChanged):
            return NOTHING
        last = self._last.get(event.instance)
        if last is not None and _order(event) <= _order(last):
            return NOTHING
        self._last[event.instance] = event
        return self.names

    def vectors(self, now: float) -> Mapping[str, Vector]:
        """0 for an instance that spools."""
        since: dict[Labels, float] = {}
        for instance, last in list(self._last.items()):
            age = now - last.changed_at.timestamp()
            if age > GONE_AFTER_S:
                del self._last[instance]
                continue
            spools = last.change == "began"
            since[labels(ingest_instance=instance)] = 0.0 if spools else max(0.0, age)
        return {SINCE_USED: since}


def _order(event: SpoolChanged) -> tuple[float, float, bool]:
    return event.began_at.timestamp(), event.changed_at.timestamp(), event.change == "ended"
