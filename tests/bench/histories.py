"""Tables with as many retained snapshots as wanted, for benchmarks of commits.

A history is made by a few requests that each add thousands of snapshots: copies of one real commit,
each with its own id, time and sequence number, so that metadata is as large as after as many
commits. Only the head's manifests are ever read.
"""

from __future__ import annotations

import secrets
import time
from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

import msgspec
from msgspec.structs import replace
from pyiceberg.catalog.rest import RestCatalog
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table

from services.stream_writer.parsing.rows import parse
from shared.contracts.environment import Environment
from shared.contracts.identity import uuid7
from shared.lake import commit as lake
from shared.lake.announcements import KEY_ERRORS, KEY_ROWS
from shared.lake.bootstrap import create_tables
from shared.lake.handle import TableHandle
from shared.lake.landing_files import write_data_file
from shared.lake.position import Tail
from shared.lake.rest_catalog import BoundedRestCatalog
from shared.lake.thinning import ThinningPolicy
from shared.runtime.errors import CheckFailed
from shared.tables.registry import TABLES
from tests.bench import orders

ORDERS = TABLES["raw.shopify_orders"]

ROWS = 500
"""In the data file of a commit."""

TOPIC = "shopify.orders"
KEEP_WHAT_IS_PINNED = ThinningPolicy(dense_ms=0, minutes_ms=0, hours_ms=0)
SNAPSHOTS_A_REQUEST = 1000


@cache
def _orders() -> Sequence[bytes]:
    """Of every data file: making them is work that nobody measures."""
    return orders.faithful(ROWS)


class LandingTable:
    """``raw.shopify_orders`` of an environment of its own, written as stream_writer does."""

    def __init__(
        self,
        catalog: BoundedRestCatalog,
        environment: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        there = Environment(environment)
        create_tables(catalog, there, [ORDERS])
        self.identifier = there.table(ORDERS.name)
        self.handle = TableHandle(catalog, there, ORDERS.name, clock)
        self._catalog = catalog
        self._clock = clock

    def data_file(self) -> DataFile:
        """A data file of :data:`ROWS` orders; no snapshot names it."""
        now = datetime.now(UTC)
        rows = parse(ORDERS, TOPIC, orders.records(_orders()), now).table
        return write_data_file(self.handle.table, rows, now.date())

    def commit(self, files: Sequence[DataFile], thinning: lake.Thinning | None = None) -> int:
        """One snapshot with these files and positions after as many records; its id.

        Raises:
            CheckFailed: it ended otherwise than committed.
        """

        def on(head: lake.Head, _: bool) -> lake.Append:
            positions = head.recorded.positions
            if positions is None:
                raise CheckFailed(f"{self.handle.name} lost its positions")
            start = positions.next_offset(TOPIC, 0) or 0
            tail = Tail(start + ROWS - 1, uuid7(), 1_700_000_000_000 + start)
            moved = positions.advance(
                TOPIC, 0, start=start, end=start + ROWS, rows=ROWS, errors=0, tail=tail
            )
            return lake.Append(files, moved, {KEY_ROWS: str(ROWS), KEY_ERRORS: "0"})

        outcome = lake.commit(
            self.handle,
            on,
            commit_id=uuid7(),
            writer="bench",
            thinning=thinning,
            clock=self._clock,
        )
        if outcome.result is not lake.Result.COMMITTED or outcome.snapshot is None:
            raise CheckFailed(f"a commit to {self.handle.name} ended as {outcome.result.value}")
        return outcome.snapshot.snapshot_id

    def fill(self, retained: int) -> None:
        """Add snapshots until so many are retained.

        Raises:
            pyiceberg.exceptions.RESTError, requests.exceptions.RequestException: it is too much
                for the catalog.
        """
        if not self.handle.reload().snapshots:
            self.commit([self.data_file()])
        missing = retained - len(self.handle.state().snapshots)
        for begin in range(0, missing, SNAPSHOTS_A_REQUEST):
            self._add(min(SNAPSHOTS_A_REQUEST, missing - begin))

    def _add(self, count: int) -> None:
        state = self.handle.reload()
        head = state.current_snapshot()
        if head is None:
            raise CheckFailed(f"{self.handle.name} has no head to copy")
        asserted = head.snapshot_id
        updates: list[dict[str, Any]] = []
        for _ in range(count):
            head = replace(
                head,
                snapshot_id=secrets.randbits(63),
                parent_snapshot_id=head.snapshot_id,
                sequence_number=head.sequence_number + 1,
                timestamp_ms=head.timestamp_ms + 1,
                summary={**head.summary, lake.KEY_COMMIT: uuid7()},
            )
            updates.append({"action": "add-snapshot", "snapshot": head})
        main = {"ref-name": "main", "type": "branch", "snapshot-id": head.snapshot_id}
        updates.append({"action": "set-snapshot-ref", **main})
        request = {
            "identifier": {"namespace": self.identifier[:-1], "name": self.identifier[-1]},
            "requirements": [
                {"type": "assert-ref-snapshot-id", "ref": "main", "snapshot-id": asserted}
            ],
            "updates": updates,
        }
        self._catalog.update_table(self.identifier, msgspec.json.encode(request))


class BoundedTable(LandingTable):
    """Retains a fixed number of snapshots: each commit removes the oldest."""

    def __init__(self, catalog: BoundedRestCatalog, retained: int) -> None:
        super().__init__(catalog, f"kept{retained}")
        self.retained = retained
        self.fill(retained)
        self._kept = deque(
            (each.snapshot_id for each in self.handle.reload().snapshots), maxlen=retained - 1
        )

    def thinning(self) -> lake.Thinning:
        """What removes the oldest."""
        return lake.Thinning(KEEP_WHAT_IS_PINNED, pinned=frozenset(self._kept))

    def turn(self, file: DataFile, thinning: lake.Thinning) -> None:
        """One commit."""
        self._kept.append(self.commit([file], thinning))

    def check(self) -> None:
        """See that it holds what its figures are told for.

        Raises:
            CheckFailed: it does not.
        """
        found = len(self.handle.reload().snapshots)
        if found != self.retained:
            raise CheckFailed(f"a table of {self.retained} snapshots retains {found}")


class PlainTable(LandingTable):
    """The same history, written by PyIceberg alone: nothing of ours takes part in a commit."""

    def __init__(self, catalog: BoundedRestCatalog, plain: RestCatalog, retained: int) -> None:
        super().__init__(catalog, f"plain{retained}")
        self.retained = retained
        self.fill(retained)
        self._table: Table = plain.load_table(self.identifier)

    def turn(self, file: DataFile) -> None:
        """One append of a file that is written already, as ``Table.append`` does it."""
        with (
            self._table.transaction() as transaction,
            transaction.update_snapshot().merge_append() as append,
        ):
            append.append_data_file(file)


class SimulatedSeconds:
    """A clock that stands until it is told to go on."""

    def __init__(self, start: float) -> None:
        self._now = start

    def __call__(self) -> float:
        return self._now

    def tick(self) -> None:
        """The next second."""
        self._now += 1
