"""Whether derived tables can be built."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

from shared.alerting.series import Labels, Vector, labels
from shared.alerting.signals.following import NOTHING, Following
from shared.contracts.builds import BuildFailed, BuildSucceeded
from shared.contracts.event import Event
from shared.contracts.tables import TableCommitted
from shared.contracts.topics import BUILDS, COMMITS, TABLES
from shared.tables.lineage import Tables

FAILED = "lakehouse_target_failed"
FAILURES = "lakehouse_target_failures"


@dataclass(frozen=True, slots=True)
class _Ended:
    at: float
    failures: int


class Builds(Following):
    """Follows how builds end.

    Args:
        tables: declarations.
        unprocessed: whether a target lacks something that has landed. A build that failed and whose
            inputs are processed all the same, by another worker or another build, is over.
    """

    reads: ClassVar[frozenset[str]] = frozenset({BUILDS, COMMITS, TABLES})
    names = frozenset({FAILED, FAILURES})

    def __init__(self, tables: Tables, unprocessed: Callable[[str], bool]) -> None:
        super().__init__()
        self._targets = frozenset(name for name, spec in tables.items() if spec.derived is not None)
        self._unprocessed = unprocessed
        self._ended: dict[str, _Ended] = {}

    def event(self, event: Event) -> frozenset[str]:
        """The end of a build; an older one than is known, told again, changes nothing. A build that
        only found that a full one has to follow was none. A commit may be what a failed one lacked.
        """
        if isinstance(event, TableCommitted):
            failing = any(ended.failures for ended in self._ended.values())
            return frozenset({FAILED}) if failing else NOTHING
        if not isinstance(event, BuildSucceeded | BuildFailed) or event.target not in self._targets:
            return NOTHING
        if isinstance(event, BuildSucceeded) and event.to_be_rebuilt:
            return NOTHING
        at = event.event_time().timestamp()
        last = self._ended.get(event.target)
        if last is not None and at <= last.at:
            return NOTHING
        failures = 0
        if isinstance(event, BuildFailed):  # attempts begin anew after a longer pause
            failures = max(event.attempt, 1 if last is None else last.failures + 1)
        self._ended[event.target] = _Ended(at, failures)
        return self.names

    def gone(self, table: str) -> frozenset[str]:
        """A table is there no more: neither are its series."""
        return NOTHING if self._ended.pop(table, None) is None else self.names

    def vectors(self, now: float) -> Mapping[str, Vector]:  # noqa: ARG002 - as sources are asked
        """Targets of which no build is known have no series."""
        failed: dict[Labels, float] = {}
        failures: dict[Labels, float] = {}
        for target, ended in self._ended.items():
            series = labels(target=target)
            failures[series] = float(ended.failures)
            failed[series] = float(ended.failures > 0 and self._unprocessed(target))
        return {FAILED: failed, FAILURES: failures}
