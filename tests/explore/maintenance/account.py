"""What must hold, whatever happened: looked at whenever the catalog or the store changes.

The account knows what each writer meant, and so what every snapshot must hold. It asks none of the
code that is explored. What it finds is noted, not raised: that code meets exceptions by trying
again.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pyiceberg.table.metadata import TableMetadata
from pyiceberg.table.snapshots import Snapshot

from shared.lake.commit import KEY_COMMIT
from shared.lake.provenance import traced
from shared.lake.recorded import recorded
from shared.lake.table_state import KEY_BRANCH, TableState
from tests.explore.maintenance.listed_rows import Listed, Reader
from tests.support.lake import TOPIC

if TYPE_CHECKING:
    from tests.explore.maintenance.catalog import MemoryCatalog, Request

KEY_INTENT = "explored"
"""Summary key of a snapshot that changes rows: the number of what its writer meant."""
_DAY_S, _SLACK_S = 86_400, 1800


@dataclass(frozen=True, slots=True)
class Intent:
    """What a snapshot is meant to do to its parent.

    Attributes:
        added, removed: identities of rows.
        mark: progress that it records; ``None``: its parent's.
        source: the branch whose rows it takes over.
        foreign: others make it, and record nothing.
    """

    added: frozenset[int] = frozenset()
    removed: frozenset[int] = frozenset()
    mark: int | None = None
    source: str = ""
    foreign: bool = False


@dataclass(frozen=True, slots=True)
class Version:
    """What a snapshot must hold.

    Attributes:
        rows: their identities.
        mark: progress that holds there: an offset, or the number of a build.
        dirty: somebody else has changed rows since that build.
    """

    rows: frozenset[int] = frozenset()
    mark: int | None = None
    dirty: bool = False


@dataclass(slots=True)
class Account:
    """Versions by snapshot, and what was violated."""

    catalog: MemoryCatalog
    reader: Reader
    derived: bool
    violations: list[str] = field(default_factory=list)
    versions: dict[int, Version] = field(default_factory=dict)
    intents: dict[str, Intent] = field(default_factory=dict)
    """By number, and by commit id for takings-over."""
    next_foreign: Intent | None = None
    recorded: dict[int, float] = field(default_factory=dict)
    """Snapshots that readers have recorded, and when."""
    tagged: dict[str, int] = field(default_factory=dict)
    """Tags and branches of operators, and the table's version that has them first."""
    _unknown: set[str] = field(default_factory=set)
    """Files that attempts of unknown outcome have added, by them alone."""
    _named: tuple[str, frozenset[str]] = ("", frozenset())

    def check(self, holds: bool, text: str) -> None:
        """Note ``text`` unless it holds."""
        if not holds:
            self.violations.append(text)

    def version(self, snapshot_id: int | None) -> Version:
        """What a snapshot must hold; nothing without one."""
        return Version() if snapshot_id is None else self.versions[snapshot_id]

    def listed(self, snapshot: Snapshot) -> Listed:
        """What a snapshot does hold."""
        return self.reader.listed(snapshot.manifest_list, snapshot.snapshot_id)

    # -- requests to the catalog --------------------------------------------------------------

    def sending(self, request: Request) -> None:
        """An attempt is about to be made: it names no file of one whose outcome is unknown."""
        for each in request.snapshots:
            if not self._there(each, "is sent and"):
                return
            again = self.listed(each).added & self._unknown
            self.check(
                not again, f"files of an attempt of unknown outcome are named again: {again}"
            )

    def unknown(self, request: Request) -> None:
        """Its sender will not know what became of it."""
        for each in request.snapshots:
            self._unknown |= self.listed(each).added

    def accepted(self, before: TableMetadata, after: TableMetadata, request: Request) -> None:
        """The catalog has carried out an update."""
        known = {each.snapshot_id for each in before.snapshots}
        for snapshot in after.snapshots:
            if snapshot.snapshot_id not in known:
                self._added(before, snapshot)
        self._removed(before, after, request)
        self._progress(after)

    def _added(self, before: TableMetadata, snapshot: Snapshot) -> None:
        summary = {} if snapshot.summary is None else snapshot.summary.additional_properties
        branch = summary.get(KEY_BRANCH, "main")
        base = self._at(before, branch)
        intent = self.intents.get(summary.get(KEY_INTENT) or summary.get(KEY_COMMIT, ""))
        if intent is None:
            intent, self.next_foreign = self.next_foreign or Intent(), None
        if intent.source:
            meant = self._at(before, intent.source)
            main = self._at(before, "main")
            if branch != "main":
                meant = replace(meant, mark=None, dirty=False)  # it is begun to be built anew
            elif meant.mark is None:
                meant = replace(meant, mark=main.mark, dirty=True)
        else:
            lost = intent.removed - base.rows
            again = intent.added & base.rows
            self.check(not lost, f"rows {sorted(lost)} were deleted though they were gone already")
            self.check(not again, f"rows {sorted(again)} came twice")
            changes = bool(intent.added or intent.removed)
            meant = Version(
                (base.rows - intent.removed) | intent.added,
                base.mark if intent.mark is None else intent.mark,
                (base.dirty or changes) if intent.foreign else base.dirty and intent.mark is None,
            )
        self.versions[snapshot.snapshot_id] = meant
        if not self._there(snapshot, f"is the head of {branch} and"):
            return
        held = self.listed(snapshot)
        twice = len(held.places) - len(held.rows)
        self.check(not twice, f"{twice} rows are there twice after {summary}")
        missing, strange = meant.rows - held.rows, held.rows - meant.rows
        self.check(not missing, f"rows {sorted(missing)} are missing after {summary}")
        self.check(not strange, f"rows {sorted(strange)} are back after {summary}")

    def _at(self, metadata: TableMetadata, ref: str) -> Version:
        found = metadata.refs.get(ref)
        return Version() if found is None else self.version(found.snapshot_id)

    def _there(self, snapshot: Snapshot, which: str) -> bool:
        try:
            named = self.listed(snapshot).named
        except FileNotFoundError as error:
            named = frozenset([str(error)])
        missing = [path for path in named if path not in self.catalog.store.files]
        self.check(not missing, f"a snapshot {which} names files that are gone: {missing[:2]}")
        return not missing

    def _removed(self, before: TableMetadata, after: TableMetadata, request: Request) -> None:
        kept = {each.snapshot_id for each in after.snapshots}
        gone = {each.snapshot_id for each in before.snapshots} - kept
        now, times = self.catalog.world.clock.now, {s.snapshot_id: s for s in before.snapshots}
        for name, ref in before.refs.items():
            if ref.snapshot_id in gone and name in self.tagged:
                known = self.tagged[name] <= request.seen
                self.check(not known, f"the snapshot of {name} was removed")
                self.catalog.world.reached["tagged too late"] += 1
        for each in gone & self.recorded.keys():
            age = now - times[each].timestamp_ms / 1000
            self.check(age > _DAY_S - _SLACK_S, f"a snapshot that a reader recorded is gone: {age}")

    def _progress(self, after: TableMetadata) -> None:
        """What the code finds that the head records is what it does."""
        head = after.current_snapshot_id
        if head is None:
            return
        state, meant = TableState.of(after), self.version(head)
        if not self.derived:
            found = recorded(state).positions
            at = None if found is None else found.next_offset(TOPIC, 0)
            self.check(at == meant.mark, f"the head is at {meant.mark} and says {at}")
            return
        built = traced(state)
        changed = any(each.summary.get("operation") != "replace" for each in built.foreign)
        at = None if built.provenance is None else built.provenance.complete[TOPIC, 0]
        if meant.dirty:
            self.check(at is None or changed, "rows that others changed are passed off as built")
        else:
            self.check(at == meant.mark and not changed, f"built to {meant.mark}, says {at}")

    # -- the store ----------------------------------------------------------------------------

    def deleting(self, path: str) -> None:
        """A file is about to be gone: nothing that may still be read names it."""
        self.check(path not in self._names(), f"a named file is deleted: {path}")
        table = self.catalog.metadata
        for _, request in self.catalog.held:
            for each in request.snapshots:
                if (each.sequence_number or 0) > (getattr(table, "last_sequence_number", 0)):
                    named = path in self.listed(each).named
                    self.check(not named, f"a file that a late success names is deleted: {path}")

    def _names(self) -> frozenset[str]:
        location = self.catalog.metadata_location
        if self._named[0] != location:
            self._named = location, self.named()
        return self._named[1]

    def named(self) -> frozenset[str]:
        """Every file that the table's metadata names."""
        table = self.catalog.metadata
        found = {self.catalog.metadata_location, *(e.metadata_file for e in table.metadata_log)}
        for snapshot in table.snapshots:
            try:
                found |= self.listed(snapshot).named
            except FileNotFoundError as error:
                self.check(False, f"a retained snapshot names {error}, which is gone")
        return frozenset(found)
