"""What a commit is decided on, and what can be decided: append, change, take over a branch."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from pyiceberg.manifest import DataFile
from pyiceberg.table.snapshots import Operation

from shared.lake.positions import Positions
from shared.lake.provenance import Provenance, Traced, traced
from shared.lake.recorded import Recorded, recorded
from shared.lake.table_state import MAIN, SnapshotEntry, TableState


class Stale(Exception):
    """What was planned does not fit the head any more; nothing was committed: plan again."""


@dataclass(frozen=True, slots=True)
class Head:
    """The head on which a commit is decided.

    Attributes:
        state: the table.
        recorded: the positions that hold there.
        ref: the branch that is committed to.
    """

    state: TableState
    recorded: Recorded
    ref: str = MAIN

    @property
    def snapshot(self) -> SnapshotEntry | None:
        """The snapshot that the commit asserts, ``None`` for a branch without one."""
        return self.state.head(self.ref)

    @property
    def traced(self) -> Traced:
        """The provenance that holds here; found anew at every call."""
        return traced(self.state, self.ref)


@dataclass(frozen=True, slots=True)
class Append:
    """A decision: add these files and move to these positions.

    ``files`` may be empty: a snapshot that only states positions.
    """

    files: Sequence[DataFile]
    positions: Positions
    summary: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delta:
    """A decision: a change of a derived table, or maintenance of any table.

    It is committed only if it fits the asserted head: every named and dropped file is live, no
    delete file younger than ``planned`` names one of them but those accounted for, no position is
    deleted twice. It may
    be empty but for ``carried``: a snapshot that only says how far the table is complete.

    Attributes:
        added: data files.
        deletes: position delete files.
        dropped: paths of live data and delete files that leave. Delete files that have nothing
            left to delete leave by themselves.
        named: paths of the data files whose positions ``deletes`` hold; they are live, or added.
        accounted: paths of all delete files younger than ``planned`` that name one of the named or
            dropped files: what they say is in ``deletes`` or was seen to be said before.
        planned: the head on which it was planned, ``None`` for a table without one. The entry and
            not its id, because it may be thinned away before the commit.
        replace: the rows stay the same: the snapshot's operation is ``replace``.
        merge: manifests are merged however few they are, and whatever the table's properties say.
        carried: what the snapshot records; ``None``: what its head records, as maintenance must.
            Where somebody else has changed rows on top of that, nothing: it would hide them.
        summary: further summary entries.
    """

    added: Sequence[DataFile] = ()
    deletes: Sequence[DataFile] = ()
    dropped: Collection[str] = ()
    named: Collection[str] = ()
    accounted: Collection[str] = ()
    planned: SnapshotEntry | None = None
    replace: bool = False
    merge: bool = False
    carried: Provenance | Positions | None = None
    summary: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.deletes and not self.named:
            raise ValueError("a delta with delete files must name the data files they are about")

    @property
    def operation(self) -> Operation:
        """What the snapshot calls itself (Iceberg spec, "Snapshots")."""
        if self.replace:
            return Operation.REPLACE
        if not self.deletes and not self.dropped:
            return Operation.APPEND
        return Operation.OVERWRITE if self.added else Operation.DELETE


@dataclass(frozen=True, slots=True)
class Take:
    """A decision: the branch committed to holds from now on what the head of ``source`` holds.

    ``main`` records what the head of ``source`` records. Another branch records nothing of its
    own: it is begun to be built anew, and must not pass for built before that has happened.
    ``ends`` removes ``source`` in the same atomic update. Both heads are asserted.
    """

    source: str
    ends: bool = False
    summary: Mapping[str, str] = field(default_factory=dict)


_REPLACE = Operation.REPLACE.value
"""What a snapshot calls itself that moved rows and changed none (Iceberg spec, "Snapshots")."""

Decision = Append | Delta | Take
Decide = Callable[[Head, bool], Decision | None]
"""(head, whether files of earlier attempts may be named again) → what to commit on that head."""


@dataclass(frozen=True, slots=True)
class Change:
    """A decision as it is staged: what one snapshot does.

    Attributes:
        delta: files that come and go.
        operation: what the snapshot calls itself.
        carried: what it records, if anything.
        summary: all entries of ours.
        ref: the branch that moves to it.
        source: the branch whose head it builds on; ``ref``, but when that takes another one's.
        ends: whether ``source`` is removed.
    """

    delta: Delta
    operation: Operation
    carried: Provenance | Positions | None
    summary: Mapping[str, str]
    ref: str = MAIN
    source: str = MAIN
    ends: bool = False


def change(decision: Decision, head: Head, summary: Mapping[str, str]) -> Change:
    """A decision on ``head`` as a change; ``summary`` are the entries of every commit."""
    ref, source, ends = head.ref, head.ref, False
    carried: Provenance | Positions | None
    match decision:
        case Append():
            carried = decision.positions
            delta, operation = Delta(added=decision.files), Operation.APPEND
        case Delta():
            carried = carried_by(head) if decision.carried is None else decision.carried
            delta, operation = decision, decision.operation
        case Take():
            source, ends = decision.source, decision.ends
            of_source = Head(head.state, recorded(head.state, source), source)
            carried = carried_by(of_source) if ref == MAIN else None
            delta = Delta()
            operation = Operation.OVERWRITE if ref == MAIN else Operation.APPEND
    told = {} if carried is None else carried.to_summary()
    return Change(
        delta, operation, carried, {**summary, **told, **decision.summary}, ref, source, ends
    )


def carried_by(head: Head) -> Provenance | Positions | None:
    """What maintenance carries on: what the head of a derived or of a landing table records.

    Of a derived one nothing when somebody else has changed its rows since.
    """
    found = head.traced
    if found.snapshot_id is not None:
        changed = any(each.summary.get("operation") != _REPLACE for each in found.foreign)
        return None if changed else found.provenance
    return head.recorded.positions if head.recorded.snapshot_id is not None else None
