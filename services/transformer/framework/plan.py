"""What is to be done about a target: nothing, an incremental build, or a full one, and why.

Decided from the states of tables alone, so any process can take over at any time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from services.transformer.framework.code_hash import transform_id
from services.transformer.framework.lake import Heads, Lake, TargetHead
from services.transformer.framework.transform import Transform, derivation
from shared.contracts.days import Days
from shared.lake.provenance import Complete, Provenance, SourceCut

TopicsOf = Callable[[str], frozenset[str]]
"""Table → the logical topics that it is built from, directly or not."""


@dataclass(frozen=True, slots=True)
class Nothing:
    """The target contains all that its inputs have."""


@dataclass(frozen=True, slots=True)
class Incremental:
    """The target is brought forward from what it was built from to where its inputs stand.

    Attributes:
        target: where it starts.
        started: what it was built from; the commit asserts that this is still so.
        heads: where the inputs stand.
        provenance: what the target will have been built from.
        days: the days whose rows are computed anew, changed or not; ``None``: of no day.
    """

    target: TargetHead
    started: Provenance
    heads: Heads
    provenance: Provenance
    days: Days | None = None

    @property
    def ticked(self) -> bool:
        """Whether the business date moved on, which touches every group."""
        return self.started.as_of != self.provenance.as_of


@dataclass(frozen=True, slots=True)
class Full:
    """The target is computed from everything its inputs have.

    Attributes:
        reason: why, in a sentence for an operator.
        target, started, heads, provenance: as of :class:`Incremental`; nothing may have been
            recorded yet.
    """

    reason: str
    target: TargetHead
    started: Provenance | None
    heads: Heads
    provenance: Provenance


Plan = Nothing | Incremental | Full


def plan(
    transform: Transform,
    lake: Lake,
    topics: TopicsOf,
    as_of: date | None,
    *,
    full: str | None = None,
    days: Days | None = None,
) -> Plan:
    """Decide what a target needs now.

    Args:
        transform: how it is built.
        lake: the tables.
        topics: which topics a table comes from, for completeness.
        as_of: the business date, for a ticked table. It never goes back: an earlier one than
            recorded counts as the recorded one.
        full: why a full build is wanted whatever the state; ``None`` when it is not.
        days: rows of these days are computed anew in an incremental build even if nothing changed.
    """
    name = transform.target.name
    target = lake.target(name)
    heads = {each.table: lake.source(each.table) for each in transform.inputs}
    started = target.provenance
    provenance = Provenance(
        sources={table: head.cut for table, head in heads.items() if head is not None},
        transform=transform_id(transform),
        as_of=_later(as_of, started) if derivation(transform.target).ticked else None,
        complete=completeness(heads, topics),
    )
    reason = full or _reason(target, provenance, lake)
    if reason is not None or started is None:
        return Full(reason or "", target, started, heads, provenance)
    if started == provenance and days is None:
        return Nothing()
    return Incremental(target, started, heads, provenance, days)


def completeness(heads: Heads, topics: TopicsOf) -> Complete:
    """Up to which offset of each topic's partition a table built from ``heads`` is complete.

    The minimum over the inputs that come from the topic; a partition that one of them has not seen
    yet is not complete to any offset and left out.
    """
    known = {key for head in heads.values() if head is not None for key in head.complete}
    complete: dict[tuple[str, int], int] = {}
    for key in known:
        reached = [
            None if head is None else head.complete.get(key)
            for table, head in heads.items()
            if key[0] in topics(table) or (head is not None and key in head.complete)
        ]
        if None not in reached:
            complete[key] = min(offset for offset in reached if offset is not None)
    return complete


def _later(as_of: date | None, started: Provenance | None) -> date | None:
    recorded = None if started is None else started.as_of
    if as_of is None or recorded is None:
        return as_of or recorded
    return max(as_of, recorded)


def _reason(target: TargetHead, wanted: Provenance, lake: Lake) -> str | None:
    """Why what is stored is no ground to build on; ``None`` when it is."""
    started = target.provenance
    if target.snapshot_id is None:
        return "first build"
    if started is None:
        return "the table does not say what it was built from"
    if target.foreign:
        return "rows were changed by somebody else"
    if started.transform != wanted.transform:
        return f"code changed from {started.transform} to {wanted.transform}"
    for table, cut in started.sources.items():
        if (reason := _lost(table, cut, wanted.sources.get(table), lake)) is not None:
            return reason
    return None


def _lost(table: str, cut: SourceCut, head: SourceCut | None, lake: Lake) -> str | None:
    if head is None:
        return f"{table} has no snapshot any more"
    if head.uuid != cut.uuid:
        return f"{table} is another table than before"
    if head != cut and not lake.readable(table, cut):
        return f"snapshot {cut.snapshot_id} of {table} is gone"
    return None
