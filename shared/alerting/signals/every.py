"""All sources of signals that follow topics."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from shared.alerting.signals.builds import Builds
from shared.alerting.signals.dead_letters import DeadLetters
from shared.alerting.signals.entities import EntityIndex
from shared.alerting.signals.following import Following
from shared.alerting.signals.freshness import Freshness, Objectives
from shared.alerting.signals.landed_rows import LandedRows
from shared.alerting.signals.maintenance import Maintenance
from shared.alerting.signals.partitions import Partitions
from shared.alerting.signals.reader_floors import ReaderFloors
from shared.alerting.signals.refused_rows import RefusedRows
from shared.alerting.signals.rhythm import Remembered
from shared.alerting.signals.runs import Runs
from shared.alerting.signals.silence import Silence
from shared.alerting.signals.spool import Spool
from shared.alerting.signals.tables import TableFigures
from shared.alerting.signals.thinned import DENSE_S
from shared.alerting.signals.uncompacted_files import UncompactedFiles
from shared.contracts.event import Event
from shared.tables.lineage import Tables


@dataclass(frozen=True, slots=True)
class Sources:
    """Every source that follows topics, fed together.

    Attributes:
        all: the sources, in the order in which they are told of events.
        letters: the one that counts dead letters, which are no events here.
        silence: the one that learns.
    """

    all: tuple[Following, ...]
    letters: DeadLetters
    silence: Silence

    def event(self, topic: str, event: Event) -> frozenset[str]:
        """An event of a logical topic; the signals that it changed."""
        return frozenset().union(*(s.event(event) for s in self.all if topic in s.reads))

    def gone(self, table: str) -> frozenset[str]:
        """A table is there no more; the signals that this changed."""
        return frozenset().union(*(source.gone(table) for source in self.all))

    def caught_up(self, topic: str) -> None:
        """What was in this topic at the start has been told."""
        for source in self.all:
            source.caught_up(topic)


def following(
    tables: Tables,
    topics: Iterable[str],
    *,
    objectives: Objectives | None = None,
    expected: Mapping[str, float] | None = None,
    remembered: Mapping[str, Remembered] | None = None,
    built: bool = True,
    unseen_since: float | None = None,
    dense_s: float = DENSE_S,
) -> Sources:
    """Sources that have heard nothing yet.

    Args:
        tables: declarations.
        topics: logical topics of records that may become dead letters.
        objectives: largest delays that are meant to be.
        expected: landing table → longest silence in seconds that is normal, declared or set.
        remembered: what an earlier :class:`Silence` had learned.
        built: whether derived tables are meant to be built; if not, nobody waits for them.
        unseen_since: when somebody last looked at dead letters (:class:`DeadLetters`).
        dense_s: how long every snapshot of a landing table is kept.
    """
    awaited = tables if built else {name: spec for name, spec in tables.items() if spec.topics}
    freshness = Freshness(awaited, objectives)
    letters = DeadLetters(topics, unseen_since)
    silence = Silence(tables, expected, remembered)
    return Sources(
        (
            TableFigures(tables, dense_s),
            UncompactedFiles(tables),
            freshness,
            silence,
            Builds(awaited, freshness.unprocessed),
            Runs(awaited),
            Maintenance(),
            EntityIndex(),
            letters,
            LandedRows(tables),
            RefusedRows(tables),
            Spool(),
            Partitions(),
            ReaderFloors(awaited),
        ),
        letters,
        silence,
    )
