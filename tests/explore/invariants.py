"""What must hold of the table, whatever happened: looked at whenever the catalog accepts a commit.

The audit keeps its own account, from the rows that commits really added; it asks none of the code
that is explored. What it finds is noted, not raised: commits meet exceptions with another attempt.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile

from services.stream_writer.partition_batch import PartitionKey
from shared.contracts.tables import TableCommitted
from shared.lake.commit import KEY_COMMIT
from shared.lake.position import Position, Stretch
from shared.lake.positions import Positions
from shared.lake.recorded import recorded
from shared.lake.table_state import SnapshotEntry, TableState
from tests.explore.memory_table import Request
from tests.explore.topic_log import BAD, LogRecord, TopicLog


@dataclass(frozen=True, slots=True)
class Run:
    """Rows of one stretch. ``since`` is the oldest incarnation of the log they may be of."""

    first: int
    next: int
    records: tuple[LogRecord, ...]
    since: int = 0


Content = Mapping[PartitionKey, tuple[Run, ...]]


class Audit:
    """An account of one table, its topic and its announcements."""

    def __init__(self, logs: Mapping[PartitionKey, TopicLog]) -> None:
        self._logs = logs
        self._head: int | None = None
        self.violations: list[str] = []
        self.contents: dict[int | None, Content] = {None: {}}
        self.entries: dict[int, SnapshotEntry] = {}
        """Every snapshot that ever was the head."""
        self._ids: dict[int | None, frozenset[str]] = {None: frozenset()}
        self.furthest: Counter[PartitionKey] = Counter()
        """Highest position that any snapshot ever had."""
        self.letters: set[int] = set()
        """Serials of bad records that were told of."""
        self.statements: dict[str, dict[PartitionKey, int]] = {}
        """Of each operator's statement, the incarnations of which it spoke."""
        self.begins_anew: set[str] = set()
        """Statements made when nobody could tell where the table stood: their ledger begins anew,
        also where their request comes late, to a catalog from a backup that could tell."""
        self.expired: set[int] = set()
        """Snapshots that another engine removed."""
        self.told: dict[int, int] = {}
        """Snapshot → sequence number, as a reader saw them that drops numbers it has seen."""
        self.last_told = 0
        self._reused = 0
        """Sequence numbers up to this one were given out again by a catalog from a backup."""

    def check(self, holds: bool, text: str) -> None:
        """Note ``text`` unless it holds."""
        if not holds:
            self.violations.append(text)

    def moved(self, head: int | None) -> None:
        """The table's head is another one, whoever moved it."""
        self._head = head

    # -- commits ------------------------------------------------------------------------------

    def accepted(self, before: TableState, request: Request, after: TableState) -> None:
        """The catalog has carried out a commit."""
        entry, parent = request.entry, self.contents[request.parent_snapshot_id]
        self.entries[entry.snapshot_id] = entry
        known_ids = self._ids[request.parent_snapshot_id]
        commit_id = entry.summary.get(KEY_COMMIT)
        self.check(commit_id not in known_ids, f"commit {commit_id} happened twice")
        self._ids[entry.snapshot_id] = known_ids | ({commit_id} if commit_id else set())
        positions = Positions.from_summary(entry.summary)
        lost = recorded(before).positions is None
        content = parent if positions is None else self._content(parent, request, positions, lost)
        self.contents[entry.snapshot_id] = content
        told = recorded(after).positions
        if told is not None:
            now = {key: position.next for key, position in told.partitions.items()}
            true = {key: runs[-1].next for key, runs in content.items()}
            self.check(now == true, f"the table says it stands at {now}, but stands at {true}")
        for snapshot_id in request.history.remove:
            self.check(
                snapshot_id in self.told
                or self._reused_number(snapshot_id)
                or snapshot_id not in self._reachable(entry.snapshot_id),
                f"snapshot {snapshot_id} was thinned away before it was announced",
            )

    def _content(
        self, parent: Content, request: Request, positions: Positions, lost: bool
    ) -> Content:
        """``lost``: nobody could tell where the table stood, so the ledger may begin anew."""
        added = {key: r for file in request.files for key, r in file.rows.items()}
        content: dict[PartitionKey, tuple[Run, ...]] = {}
        for key in parent.keys() | added.keys() | positions.partitions.keys():
            position = positions.partitions.get(key)
            if position is None:
                self.check(False, f"{_name(key)}: its position is gone")
                content[key] = parent.get(key, ())
                continue
            known, begins = parent.get(key, ()), position.stretches[0]
            late = _statement(begins.reason) in self.begins_anew and known
            if begins.reason and (lost or (late and known[0].first != begins.first)):
                known = ()
            content[key] = self._runs(key, known, position, added.get(key, ()))
        return content

    def _runs(
        self,
        key: PartitionKey,
        before: tuple[Run, ...],
        position: Position,
        added: Sequence[LogRecord],
    ) -> tuple[Run, ...]:
        runs, name = list(before), _name(key)
        for stretch in position.stretches[len(before) :]:
            spoken = self.statements.get(_statement(stretch.reason), {})
            self.check(
                not before or bool(stretch.reason), f"{name}: offsets skipped without a statement"
            )
            runs.append(Run(stretch.first, stretch.first, (), spoken.get(key, 0)))
        if len(runs) != len(position.stretches):
            self.check(False, f"{name}: a stretch of the ledger is gone")
            return before
        for run, stretch in zip(runs[:-1], position.stretches[:-1], strict=True):
            self.check((run.first, run.next) == (stretch.first, stretch.next), f"{name}: rewritten")
        run, stretch = runs[-1], position.stretches[-1]
        self.check(stretch.next >= run.next, f"{name}: position back {run.next}→{stretch.next}")
        for record in added:
            if record.serial % BAD == 0:
                self.check(
                    record.serial in self.letters, f"{name}: a bad record nobody was told of"
                )
        runs[-1] = Run(run.first, stretch.next, (*run.records, *added), run.since)
        self._compare(key, runs[-1], stretch, first_seen=not before)
        self.furthest[key] = max(self.furthest[key], stretch.next)
        return tuple(runs)

    def _compare(self, key: PartitionKey, run: Run, stretch: Stretch, *, first_seen: bool) -> None:
        """Rows of a stretch are the records of one log at its offsets, each once.

        One without records may be of several logs: it began too late if it did in all of them.
        """
        name = f"{_name(key)} [{run.first}, {run.next})"
        starts = [
            incarnation.start
            for incarnation in self._logs[key].incarnations[run.since :]
            if incarnation.holds(run.first, run.next, run.records)
        ]
        self.check(bool(starts), f"{name}: rows are not the records of any log: {_brief(run)}")
        late = first_seen and not stretch.reason and run.first > max(starts, default=run.first)
        self.check(not late, f"{name}: a partition never seen did not start at its start")
        errors = sum(record.bad for record in run.records)
        counted = (stretch.rows, stretch.gaps, stretch.errors)
        true = (len(run.records), run.next - run.first - len(run.records), errors)
        self.check(counted == true, f"{name}: ledger {counted}, table {true}")

    def runs(self, key: PartitionKey) -> tuple[Run, ...]:
        """What the table holds of a partition at its head."""
        return self.contents[self._head].get(key, ())

    def consumed(self, key: PartitionKey) -> bool:
        """Whether the table holds the present log of a partition to its end."""
        runs, bounds = self.runs(key), self._logs[key].bounds
        if not runs:
            return bounds.start == bounds.end
        return runs[-1].next == bounds.end and self.same_log(key)

    def same_log(self, key: PartitionKey) -> bool:
        """Whether the rows of the last stretch are those of the present log."""
        runs = self.runs(key)
        if not runs:
            return True
        return self._logs[key].now.holds(runs[-1].first, runs[-1].next, runs[-1].records)

    # -- what workers say ---------------------------------------------------------------------

    def stored(self, offsets: Mapping[PartitionKey, int]) -> None:
        """A worker acknowledges offsets to the group."""
        for key, offset in offsets.items():
            self.check(offset <= self.furthest[key], f"{_name(key)}: {offset} acknowledged early")

    def announced(self, event: TableCommitted) -> None:
        """A commit is announced; a reader drops the sequence numbers that it has seen."""
        entry = self.entries.get(event.snapshot_id)
        if entry is None:
            self.check(False, f"snapshot {event.snapshot_id} was announced, but never the head")
            return
        if event.sequence_number <= self.last_told:
            return
        for ancestor in self._ancestors(event.snapshot_id)[1:]:
            if ancestor in self.told or ancestor in self.expired:
                break
            if self.entries[ancestor].sequence_number <= self.last_told:
                continue
            self.check(False, f"snapshot {event.snapshot_id} was announced before {ancestor}")
        self.told[event.snapshot_id] = self.last_told = event.sequence_number

    def restored(self, lost: TableState) -> None:
        """The catalog comes back from a backup: it gives out sequence numbers again."""
        self._reused = max(self._reused, lost.last_sequence_number)

    def never_told(self) -> list[int]:
        """Ancestors of the head that no reader was told of, without those behind an expiry."""
        return [
            snapshot_id
            for snapshot_id in self._reachable(self._head)
            if snapshot_id not in self.told and not self._reused_number(snapshot_id)
        ]

    def _reused_number(self, snapshot_id: int) -> bool:
        return self.entries[snapshot_id].sequence_number <= self._reused

    def _reachable(self, snapshot_id: int | None) -> list[int]:
        """Ancestors above the first one that another engine has expired: nobody finds more."""
        return list(takewhile(lambda a: a not in self.expired, self._ancestors(snapshot_id)))

    def _ancestors(self, snapshot_id: int | None) -> list[int]:
        found = []
        while snapshot_id is not None:
            found.append(snapshot_id)
            snapshot_id = self.entries[snapshot_id].parent_snapshot_id
        return found


def _statement(reason: str) -> str:
    """The statement's name, of the reason that a stretch gives."""
    return reason.rpartition(": ")[2]


def _name(key: PartitionKey) -> str:
    return f"{key[0]}/{key[1]}"


def _brief(run: Run) -> str:
    return " ".join(f"{record.offset}:{record.serial}" for record in run.records)
