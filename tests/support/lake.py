"""A lake in a temporary directory: one landing table, writers on it, and others who interfere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyiceberg.manifest import DataFile, read_manifest_list
from pyiceberg.table import Table
from pyiceberg.table.metadata import TableMetadata
from pyiceberg.table.refs import SnapshotRefType
from pyiceberg.table.update import RemoveSnapshotRefUpdate, SetSnapshotRefUpdate, TableUpdate

from shared.contracts.environment import Environment
from shared.lake.bootstrap import create_tables
from shared.lake.commit import Append, Decide, Head
from shared.lake.coverage import Behind, Covered, Fresh, Range, decide
from shared.lake.handle import TableHandle
from shared.lake.landing_files import write_data_file
from shared.lake.position import Tail
from shared.lake.positions import Positions
from shared.lake.recorded import recorded
from shared.lake.schema import arrow_schema
from shared.lake.table_state import SnapshotEntry, TableState
from shared.tables.raw.landing import landing_table
from shared.tables.spec import Column, TableSpec, Type
from tests.support.faulty_catalog import FaultyCatalog
from tests.support.pointer_catalog import PointerCatalog, Pointers

TOPIC = "shop.events"
PLAIN = Environment()

LOG = TableSpec(
    "raw.log",
    (TOPIC,),
    (
        Column("_topic", Type.STRING, 1, required=True),
        Column("_partition", Type.INT, 2, required=True),
        Column("_offset", Type.LONG, 3, required=True),
    ),
    None,
    "The least that a landing table can hold.",
)
EVENTS = landing_table(
    "raw.events", TOPIC, "A small landing table.", ((Type.LONG, "id"), (Type.STRING, "name"))
)


class Lake:
    """One table of one catalog, seen by writers (through faults) and by others (without)."""

    def __init__(self, directory: Path, spec: TableSpec = LOG) -> None:
        self.spec = spec
        self._warehouse = directory.as_uri()
        self._pointers = Pointers()
        self.others = PointerCatalog(self._warehouse, self._pointers)
        create_tables(self.others, PLAIN, [spec])

    def catalog(self) -> FaultyCatalog:
        """Another connection to the catalog."""
        return FaultyCatalog(self._warehouse, self._pointers)

    def handle(self, catalog: FaultyCatalog | None = None) -> TableHandle:
        """A handle of a connection of its own, unless one is given."""
        return TableHandle(catalog or self.catalog(), PLAIN, self.spec.name)

    @property
    def table(self) -> Table:
        """The table as it is now."""
        return self.others.load_table(PLAIN.table(self.spec.name))

    @property
    def metadata(self) -> TableMetadata:
        """Its metadata as it is now."""
        return self.table.metadata

    @property
    def state(self) -> TableState:
        """What commits and announcements look at, as it is now."""
        return TableState.of(self.metadata)

    @property
    def head(self) -> SnapshotEntry:
        """Its head, which must exist."""
        head = self.state.current_snapshot()
        assert head is not None
        return head

    @property
    def positions(self) -> Positions:
        """Its positions, which must be findable."""
        found = recorded(self.state).positions
        assert found is not None
        return found

    def offsets(self) -> Counter[tuple[int, int]]:
        """How often each (partition, offset) is in the table."""
        rows = self.table.scan(selected_fields=("_partition", "_offset")).to_arrow()
        return Counter(
            zip(rows["_partition"].to_pylist(), rows["_offset"].to_pylist(), strict=True)
        )

    def update(self, *updates: TableUpdate) -> None:
        """Another client changes the table, without asking for a certain head."""
        self.others.commit_table(self.table, (), updates)

    def roll_back(self, snapshot_id: int) -> None:
        """An operator makes an older snapshot the head."""
        self.update(reference("main", snapshot_id, SnapshotRefType.BRANCH))

    def remove_main(self) -> None:
        """The table has no head any more."""
        self.update(RemoveSnapshotRefUpdate(ref_name="main"))

    def foreign_append(self, partition: int = 99, offset: int = 0) -> SnapshotEntry:
        """Another engine appends a row; its snapshot knows nothing of our summary keys."""
        self.table.append(rows(self.spec, partition, range(offset, offset + 1)))
        return self.head

    def foreign_delete(self, condition: str) -> SnapshotEntry:
        """Another engine deletes rows."""
        self.table.delete(condition)
        return self.head

    def drop(self) -> None:
        """Another client drops the table."""
        self.others.drop_table(PLAIN.table(self.spec.name))

    def files(self) -> set[Path]:
        """Every file below the table's location."""
        root = Path(self.table.location().removeprefix("file://"))
        return {path for path in root.rglob("*") if path.is_file()}


def reference(name: str, snapshot_id: int, kind: SnapshotRefType) -> SetSnapshotRefUpdate:
    """Set a branch or a tag."""
    return SetSnapshotRefUpdate(
        ref_name=name,
        type=kind,
        snapshot_id=snapshot_id,
        max_ref_age_ms=None,
        max_snapshot_age_ms=None,
        min_snapshots_to_keep=None,
    )


def rows(spec: TableSpec, partition: int, offsets: range) -> pa.Table:
    """Rows for these offsets; columns that are not told are null."""
    schema = arrow_schema(spec)
    known: Mapping[str, list[Any]] = {
        "_topic": [TOPIC] * len(offsets),
        "_partition": [partition] * len(offsets),
        "_offset": list(offsets),
        "_loaded_at": [datetime.now(UTC)] * len(offsets),
        "_replayed": [False] * len(offsets),
    }
    return pa.table(
        [
            pa.array(known[field.name], field.type)
            if field.name in known
            else pa.nulls(len(offsets), field.type)
            for field in schema
        ],
        schema=schema,
    )


class Batch:
    """What one writer wants to land: offsets ``[start, end)`` of one partition.

    Behaves as a landing writer must: leaves out what is covered, refuses to skip.
    """

    def __init__(self, handle: TableHandle, start: int, end: int, partition: int = 0) -> None:
        self._handle = handle
        self._range = Range(TOPIC, partition, start, end, from_log_start=start == 0)
        self.heads: list[int | None] = []
        """The head of every call."""
        self.may_reuse: list[bool] = []
        """Whether files of earlier attempts might be named again, for every call."""
        self.files: list[DataFile] = []
        """Every file written."""

    @property
    def decide(self) -> Decide:
        """For :func:`shared.lake.commit.commit`."""
        return self._decide

    def _decide(self, head: Head, may_reuse: bool) -> Append | None:
        self.heads.append(head.state.current_snapshot_id)
        self.may_reuse.append(may_reuse)
        wanted = self._range
        positions = head.recorded.positions
        if positions is None:
            raise LookupError("positions are lost")
        match decide(positions, wanted):
            case Covered():
                return None
            case Behind(position):
                raise LookupError(f"the table stands at {position}")
            case Fresh(start):
                fresh = range(start, wanted.end)
        file = write_data_file(self._handle.table, rows(LOG, wanted.partition, fresh), None)
        self.files.append(file)
        return Append(
            [file],
            positions.advance(
                TOPIC,
                wanted.partition,
                start=fresh.start,
                end=fresh.stop,
                rows=len(fresh),
                errors=0,
                tail=Tail(fresh.stop - 1, f"delivery-{fresh.stop - 1}", 1_000 + fresh.stop),
            ),
        )


def commit_ids(state: TableState) -> Counter[str]:
    """How many retained snapshots carry each commit id."""
    return Counter(
        snapshot.summary["bergline.commit"]
        for snapshot in state.snapshots
        if "bergline.commit" in snapshot.summary
    )


def manifests_on_disk(lake: Lake) -> set[str]:
    """Manifests and manifest lists that exist."""
    return {path.name for path in lake.files() if path.suffix == ".avro"}


def manifests_named(lake: Lake) -> set[str]:
    """Manifests and manifest lists that a retained snapshot needs."""
    table = lake.table
    found: set[str] = set()
    for snapshot in table.metadata.snapshots:
        found.add(Path(snapshot.manifest_list).name)
        found |= {
            Path(manifest.manifest_path).name
            for manifest in read_manifest_list(table.io.new_input(snapshot.manifest_list))
        }
    return found
