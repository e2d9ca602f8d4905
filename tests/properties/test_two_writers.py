"""Any number of writers on one table, under any faults: every row of the log once, none skipped.

The log is the model: an offset either holds a record or is a gap. Writers read it as the group
would let them, zombies included: from anywhere, overlapping, again. Between their commits the
catalog fails in every way it can, others commit, operators roll back and adopt. What the head
says it has consumed decides which rows must be in the table.
"""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
)
from pyiceberg.exceptions import CommitStateUnknownException, ForbiddenError

from services.stream_writer.landing import PartitionsBehind, PositionsLost
from services.stream_writer.preparing import Prepared
from services.stream_writer.table_writer import TableWriter
from shared.lake.adoption import adopt
from shared.lake.commit import KEY_COMMIT, Result, Thinning
from shared.lake.positions import Positions
from shared.lake.recorded import ancestors, recorded
from shared.lake.thinning import ThinningPolicy
from shared.runtime.errors import Refused, Unavailable
from tests.support.batches import batch, work
from tests.support.faulty_catalog import (
    Fault,
    FaultyCatalog,
    after,
    answers,
    answers_after_commit,
    conflict,
    late,
    lost_request,
    lost_response,
)
from tests.support.lake import EVENTS, TOPIC, Lake

EXAMPLES = int(os.environ.get("BERGLINE_TEST_EXAMPLES", "12"))
"""How many histories are tried; the default keeps this file to a few seconds."""

WRITERS, PARTITIONS, LENGTH = 3, 2, 60
FOREIGN = 99
"""Partition of rows that no log of ours holds."""
GAPS = frozenset(range(0, LENGTH, 7))
"""Offsets of the log that hold no record."""
BAD = frozenset(range(3, LENGTH, 11))
"""Offsets that hold one that cannot be parsed."""

FAULTS: dict[str, Fault] = {
    "conflict": conflict,
    "lost request": lost_request,
    "lost response": lost_response,
    "late": late,
    "500": answers(CommitStateUnknownException("injected")),
    "500 after commit": answers_after_commit(CommitStateUnknownException("injected")),
    "refused": answers(ForbiddenError("injected")),
}


@dataclass
class Member:
    """One writer, the work that it could not finish, and what the table must not forget."""

    catalog: FaultyCatalog
    writer: TableWriter
    unfinished: Prepared | None = None


class Writers(RuleBasedStateMachine):
    """Rules interleave; the invariant looks at the table after each of them."""

    @initialize()
    def begin(self) -> None:
        self.directory = tempfile.TemporaryDirectory()
        self.lake = Lake(Path(self.directory.name), EVENTS)
        self.members = [self._member() for _ in range(WRITERS)]
        self.foreign = 0
        self.landed: dict[tuple[str, int], int] = {}
        """Up to where writers were told that the table holds the log."""

    def _member(self) -> Member:
        catalog = self.lake.catalog()
        writer = TableWriter(self.lake.handle(catalog), EVENTS, 0.0, patience_s=0)
        return Member(catalog, writer)

    def teardown(self) -> None:
        if hasattr(self, "directory"):
            self.directory.cleanup()

    # -- what writers do --------------------------------------------------------------------

    @rule(
        number=st.integers(0, WRITERS - 1),
        partitions=st.sets(st.integers(0, PARTITIONS - 1), min_size=1),
        skew=st.sampled_from([0, 0, 0, -5, -20, 3]),
        sizes=st.lists(st.integers(0, 12), min_size=1, max_size=3),
        faults=st.lists(st.sampled_from(sorted(FAULTS)), max_size=3),
        between=st.none() | st.sampled_from(["foreign", "other"]),
    )
    def land(
        self,
        number: int,
        partitions: set[int],
        skew: int,
        sizes: list[int],
        faults: list[str],
        between: str | None,
    ) -> None:
        """New work, read from about where the table stands."""
        member = self.members[number]
        positions = recorded(self.lake.state).positions
        batches = []
        for partition in sorted(partitions):
            at = None if positions is None else positions.next_offset(TOPIC, partition)
            if at is None:
                member.writer.first_seen[TOPIC, partition] = 0
            start = max(0, (at or 0) + skew)
            for size in sizes:
                end = min(LENGTH, start + size)
                if start < end:
                    batches.append(batch(start, end, partition, missing=GAPS, bad=BAD))
                start = end
        if batches:
            member.unfinished = member.writer.prepare(work(*batches))
            self._write(member, faults, between)

    @rule(
        number=st.integers(0, WRITERS - 1),
        faults=st.lists(st.sampled_from(sorted(FAULTS)), max_size=2),
    )
    def try_again(self, number: int, faults: list[str]) -> None:
        """The same work under the same commit id, as long as its end is not known."""
        self._write(self.members[number], faults, None)

    @rule(number=st.integers(0, WRITERS - 1))
    def crash(self, number: int) -> None:
        """A new process takes the place; requests of the old one may still arrive."""
        held = self.members[number].catalog.held
        self.members[number] = self._member()
        self.members[number].catalog.held = held

    @rule(number=st.integers(0, WRITERS - 1))
    def arrive(self, number: int) -> None:
        """What was under way arrives."""
        self.members[number].catalog.deliver_held()

    def _write(self, member: Member, faults: list[str], between: str | None) -> None:
        prepared = member.unfinished
        if prepared is None:
            return
        if between is not None:
            events = {"foreign": self.foreign_append, "other": self._overtake}
            member.catalog.faults.append(after(events[between]))
        member.catalog.faults.extend(FAULTS[name] for name in faults)
        member.writer._patience_s = 0 if len(faults) % 2 else 0.2
        calls = member.catalog.calls
        try:
            outcome = member.writer.write(prepared, self._thinning())
        except (Unavailable, Refused):
            return
        except PartitionsBehind:
            member.unfinished = None
            return
        finally:
            member.catalog.faults.clear()
        member.unfinished = None
        assert member.catalog.calls > calls or outcome.result is not Result.COMMITTED
        self._acknowledged(prepared)
        if outcome.snapshot is not None:
            assert outcome.snapshot.summary[KEY_COMMIT] == prepared.commit_id

    def _acknowledged(self, prepared: Prepared) -> None:
        for key in prepared.work.batches:
            self.landed[key] = max(self.landed.get(key, 0), prepared.work.span(key)[1])

    def _thinning(self) -> Thinning:
        return Thinning(ThinningPolicy(dense_ms=150, minutes_ms=0, hours_ms=3_600_000))

    # -- what others do ---------------------------------------------------------------------

    def _overtake(self) -> None:
        """Another writer commits the very next offsets while a slow one's are on their way."""
        other = self._member()
        positions = recorded(self.lake.state).positions
        at = None if positions is None else positions.next_offset(TOPIC, 0)
        if at is None:
            at = other.writer.first_seen[TOPIC, 0] = 0
        if at >= LENGTH:
            return
        offered = work(batch(at, min(LENGTH, at + 3), missing=GAPS, bad=BAD))
        prepared = other.writer.prepare(offered)
        other.writer.write(prepared, None)
        self._acknowledged(prepared)

    @rule()
    def foreign_append(self) -> None:
        """Another engine appends; its head does not say what we have consumed."""
        if recorded(self.lake.state).snapshot_id is not None:
            self.lake.foreign_append(partition=FOREIGN, offset=self.foreign)
            self.foreign += 1

    @rule(back=st.integers(1, 3))
    def roll_back(self, back: int) -> None:
        """An operator makes an earlier snapshot the head, if there is one.

        Below a foreign one the history may be thinned away: nobody may consume then, and the
        operator takes it back.
        """
        chain = list(ancestors(self.lake.state))
        if len(chain) <= back:
            return
        self.lake.roll_back(chain[back].snapshot_id)
        if recorded(self.lake.state).positions is None:
            writer = self._member().writer
            writer.first_seen[TOPIC, 0] = 0
            with pytest.raises(PositionsLost):
                writer.write(writer.prepare(work(batch(0, 5))), None)
            self.lake.roll_back(chain[0].snapshot_id)
        self.landed = {key: at.next for key, at in self.lake.positions.partitions.items()}

    @rule(partition=st.integers(0, PARTITIONS - 1), gap=st.integers(0, 4))
    def adopt_behind_a_gap(self, partition: int, gap: int) -> None:
        """An operator states that some offsets are lost."""
        positions = recorded(self.lake.state).positions
        at = None if positions is None else positions.next_offset(TOPIC, partition)
        if at is not None and at + gap <= LENGTH:
            adopt(
                self.lake.handle(),
                {(TOPIC, partition): at + gap},
                reason="lost",
                actor="test",
            )

    # -- what must hold ---------------------------------------------------------------------

    @invariant()
    def the_table_is_what_its_head_says(self) -> None:
        """Rows are exactly the records of the consumed stretches, each once."""
        if not hasattr(self, "lake"):
            return
        state = self.lake.state
        positions = recorded(state).positions
        assert positions is not None
        for key, end in self.landed.items():
            at = positions.next_offset(*key)
            assert at is not None, "a partition was acknowledged without a position"
            assert at >= end, "rows were acknowledged that are not in the table"
        expected: Counter[tuple[int, int]] = Counter()
        for (_, partition), position in positions.partitions.items():
            end = 0
            for stretch in position.stretches:
                assert stretch.first >= end, "offsets went back"
                assert stretch.first == end or stretch.reason, "offsets were skipped"
                end = stretch.next
                consumed = range(stretch.first, stretch.next)
                records = [offset for offset in consumed if offset not in GAPS]
                assert stretch.rows == len(records)
                assert stretch.gaps == len(consumed) - len(records)
                assert stretch.errors == len(BAD.intersection(records))
                expected.update((partition, offset) for offset in records)
        held = self.lake.offsets() if state.current_snapshot_id else Counter()
        assert {key: n for key, n in held.items() if key[0] != FOREIGN} == expected

    @invariant()
    def the_history_never_skips(self) -> None:
        """Along the ancestry positions only grow, one snapshot for a commit id."""
        if not hasattr(self, "lake"):
            return
        chain = list(ancestors(self.lake.state))[::-1]
        ids = [s.summary[KEY_COMMIT] for s in chain if KEY_COMMIT in s.summary]
        assert len(ids) == len(set(ids))
        last: dict[tuple[str, int], int] = {}
        for snapshot in chain:
            positions = Positions.from_summary(snapshot.summary)
            if positions is None:
                continue
            now = {key: position.next for key, position in positions.partitions.items()}
            assert all(now[key] >= offset for key, offset in last.items())
            last = now


TestWriters = Writers.TestCase
TestWriters.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
