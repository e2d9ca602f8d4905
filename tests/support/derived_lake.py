"""A lake with one derived table: a row per key, changed by deltas."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType

import pyarrow as pa
import pyarrow.parquet as pq

from shared.contracts.identity import uuid7
from shared.lake.commit import Delta, Head, Outcome, commit
from shared.lake.data_files import write_rows
from shared.lake.handle import TableHandle
from shared.lake.provenance import Provenance, SourceCut
from shared.lake.reading.live_files import LiveFiles, live_files
from shared.lake.row_changes import MERGE_MODE, MERGE_ON_READ, delta
from shared.lake.schema import arrow_schema
from shared.lake.surviving_rows import deleted_positions, surviving_rows
from shared.lake.table_state import MAIN, SnapshotEntry
from shared.tables.spec import Column, Derivation, Grain, Kind, Partitioning, TableSpec, Type
from tests.support.lake import Lake

TARGET_BYTES = 1 << 27
MONTHS = (date(2026, 1, 15), date(2026, 2, 15), date(2026, 3, 15))
Versions = Mapping[int, int]
"""Key → version of its row."""


def derived_table(mode: str = MERGE_ON_READ, name: str = "core.orders") -> TableSpec:
    """A key, its version, an amount, and a day by whose month it is partitioned."""
    return TableSpec(
        name,
        (),
        (
            Column("id", Type.LONG, 1, required=True),
            Column("version", Type.LONG, 2, required=True),
            Column("amount", Type.DECIMAL_18_2, 3),
            Column("day", Type.DATE, 4),
        ),
        Partitioning("day", Grain.MONTH),
        "A row per key.",
        properties=MappingProxyType({MERGE_MODE: mode}),
        derived=Derivation(Kind.FOLD, ("raw.log",), ("id",), ("id",)),
    )


def origin(number: int) -> Provenance:
    """What the ``number``-th build is built from."""
    cut = SourceCut("2f9e3c1a-0000-4000-8000-000000000000", 1000 + number, number)
    return Provenance({"raw.log": cut}, "1:code", None, {("shop.events", 0): 10 * number})


def rows_of(versions: Versions) -> pa.Table:
    """A row for every key."""
    schema = arrow_schema(derived_table())
    return pa.table(
        {
            "id": list(versions),
            "version": list(versions.values()),
            "amount": [Decimal(key) / 4 for key in versions],
            "day": [MONTHS[key % len(MONTHS)] for key in versions],
        },
        schema=schema,
    )


class DerivedLake(Lake):
    """The table and who builds it, without the compute: rows are a key and a version."""

    def __init__(self, directory: Path, mode: str = MERGE_ON_READ) -> None:
        super().__init__(directory, derived_table(mode))
        self.builds = 0
        self._writer = self.handle()
        self._ids: dict[str, list[int]] = {}

    def live(self, snapshot: SnapshotEntry | None = None) -> LiveFiles:
        """The files of a snapshot; of the head when none is given."""
        chosen = snapshot or self.state.current_snapshot()
        return LiveFiles({}, {}) if chosen is None else live_files(self._writer.table, chosen)

    def located(
        self, keys: Collection[int], snapshot: SnapshotEntry | None = None
    ) -> dict[str, list[int]]:
        """Where the rows of these keys stand: data file → positions."""
        live, found = self.live(snapshot), dict[str, list[int]]()
        deleted = deleted_positions(self._writer.table.io, live, live.data)
        for path in live.data:
            gone = {p for part in deleted.get(path, ()) for p in part.to_pylist()}
            ids = self._ids.get(path)
            if ids is None:
                read = pq.read_table(path.removeprefix("file://"), columns=["id"])
                ids = self._ids.setdefault(path, read["id"].to_pylist())
            own = [at for at, key in enumerate(ids) if key in keys and at not in gone]
            if own:
                found[path] = own
        return found

    def plan(
        self,
        put: Versions = MappingProxyType({}),
        remove: Collection[int] = (),
        carried: Provenance | None = None,
        on: SnapshotEntry | None = None,
    ) -> Delta:
        """A delta on the head, or on a given snapshot, that leaves these keys in these versions."""
        head = on or self.state.current_snapshot()
        if carried is None:
            self.builds += 1
            carried = origin(self.builds)
        return delta(
            self._writer.table,
            self.spec,
            LiveFiles({}, {}) if head is None else self.live(head),
            {} if head is None else self.located({*put, *remove}, head),
            rows_of(put),
            planned=head,
            carried=carried,
            target_bytes=TARGET_BYTES,
        )

    def send(
        self,
        planned: Delta,
        handle: TableHandle | None = None,
        ref: str = MAIN,
        commit_id: str | None = None,
        sleep: Callable[[float], None] = lambda _: None,
    ) -> Outcome:
        """Commit a delta as it was planned."""

        def decide(head: Head, may_reuse_files: bool) -> Delta:
            return planned

        return commit(
            handle or self.handle(),
            decide,
            commit_id=commit_id or uuid7(),
            writer="test",
            ref=ref,
            sleep=sleep,
        )

    def build(self, put: Versions = MappingProxyType({}), remove: Collection[int] = ()) -> Outcome:
        """Plan a delta on the head and commit it, as the lone writer that remembers the table."""
        planned = self.plan(put, remove, on=self._writer.reload().current_snapshot())
        return self.send(planned, self._writer)

    def rows(self, snapshot_id: int | None = None) -> list[tuple[int, int]]:
        """(key, version) of every row as PyIceberg reads them, in the order of keys."""
        found = self.table.scan(snapshot_id=snapshot_id).to_arrow()
        return sorted(zip(found["id"].to_pylist(), found["version"].to_pylist(), strict=True))


def compaction(lake: DerivedLake, on: SnapshotEntry) -> Delta:
    """All live rows of a snapshot in new files."""
    live = lake.live(on)
    rows = surviving_rows(lake.table, lake.spec, live, live.data)
    files = write_rows(lake.table, lake.spec, rows, target_bytes=TARGET_BYTES)
    return Delta(added=files, dropped=set(live.data), planned=on, replace=True)


def swaps(seed: int, count: int, keys: int) -> Iterable[tuple[dict[int, int], set[int]]]:
    """Changes of random keys: a new version for some, an end for a few."""
    chance = random.Random(seed)
    for number in range(count):
        touched = chance.sample(range(keys), k=chance.randint(1, 9))
        removed = {key for key in touched if chance.random() < 0.2}
        yield {key: number + 1 for key in touched if key not in removed}, removed
