"""A table with a history, and an account of its own of the rows of every snapshot.

The account knows what was meant: which rows stand at which place of a file, and which of these
places each snapshot has lost. It reads data files once, by pyarrow and field id, and never looks
at a manifest, a sequence number or a delete file to say what a snapshot holds.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.io.pyarrow import _dataframe_to_data_files, schema_to_pyarrow
from pyiceberg.manifest import DataFile, ManifestContent
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table import Table
from pyiceberg.table.snapshots import Operation
from pyiceberg.table.update import AddPartitionSpecUpdate
from pyiceberg.transforms import DayTransform
from pyiceberg.typedef import Record
from pyiceberg.types import (
    DecimalType,
    IntegerType,
    NestedField,
    StringType,
    TimestamptzType,
)

from shared.lake.table_state import SnapshotEntry
from tests.support import foreign_snapshots
from tests.support.pointer_catalog import PointerCatalog

NAME = "core.things"
SCHEMA = Schema(
    NestedField(1, "id", IntegerType()),
    NestedField(2, "kind", StringType()),
    NestedField(3, "amount", DecimalType(18, 2)),
    NestedField(4, "at", TimestamptzType()),
)
DAILY = PartitionSpec(PartitionField(4, 1000, DayTransform(), "at_day"))

Row = Mapping[str, Any]
Place = tuple[str, int]
"""Path of a data file, position in it."""


def day(number: int, hour: int = 0) -> datetime:
    """A moment of a day of January 2026."""
    return datetime(2026, 1, number, hour, tzinfo=UTC)


@dataclass(frozen=True)
class Version:
    """Files of a snapshot and the positions that each of them has lost."""

    gone: Mapping[str, frozenset[int]]


class RowHistory:
    """One table; its methods commit what another engine might, on the branch ``branch``.

    A table with partitions has level 0 as well (:mod:`shared.lake.level_zero`).
    """

    def __init__(
        self, directory: Path, spec: PartitionSpec | None = None, schema: Schema = SCHEMA
    ) -> None:
        self.catalog = PointerCatalog(directory.as_uri())
        self.catalog.create_namespace(NAME.split(".", maxsplit=1)[0])
        self.catalog.create_table(
            NAME,
            schema,
            partition_spec=spec or PartitionSpec(),
            properties={"format-version": "2"},
        )
        if spec is not None:
            apart = AddPartitionSpecUpdate(spec=PartitionSpec(spec_id=spec.spec_id + 1))
            self.catalog.commit_table(self.table, (), (apart,))
        self.branch = "main"
        self.versions: dict[int, Version] = {}
        self._rows: dict[str, list[dict[int, Any]]] = {}
        self._files: dict[str, DataFile] = {}
        self._numbers: dict[str, int] = {}

    @property
    def table(self) -> Table:
        """As it is now."""
        return self.catalog.load_table(NAME)

    @property
    def head(self) -> SnapshotEntry:
        """The head of the branch, which must exist."""
        head = self.table.metadata.snapshot_by_name(self.branch)
        assert head is not None
        return SnapshotEntry.of(head)

    @property
    def version(self) -> Version:
        """The account of the head."""
        head = self.table.metadata.snapshot_by_name(self.branch)
        return Version({}) if head is None else self.versions[head.snapshot_id]

    def snapshots(self) -> list[SnapshotEntry]:
        """All that the account knows, oldest first."""
        return [SnapshotEntry.of(each) for each in self.table.metadata.snapshots]

    def places(self, version: Version | None = None) -> list[Place]:
        """Where the rows are, in a fixed order."""
        version = version or self.version
        order = {path: index for index, path in enumerate(self._rows)}
        return [
            (path, position)
            for path in sorted(version.gone, key=order.__getitem__)
            for position in range(len(self._rows[path]))
            if position not in version.gone[path]
        ]

    def row(self, place: Place, names: Sequence[str] | None = None) -> tuple[Any, ...]:
        """A row in columns of the present schema."""
        schema = self.table.schema()
        wanted = [f.name for f in schema.fields] if names is None else names
        values = self._rows[place[0]][place[1]]
        return tuple(values.get(schema.find_field(name).field_id) for name in wanted)

    def rows(
        self, snapshot: SnapshotEntry | None, names: Sequence[str] | None = None
    ) -> Counter[tuple[Any, ...]]:
        """The rows of a snapshot in columns of the present schema."""
        if snapshot is None:
            return Counter()
        schema = self.table.schema()
        wanted = [f.name for f in schema.fields] if names is None else names
        ids = [schema.find_field(name).field_id for name in wanted]
        return Counter(
            tuple(self._rows[path][position].get(each) for each in ids)
            for path, position in self.places(self.versions[snapshot.snapshot_id])
        )

    def level_zero(self) -> int | None:
        """The partition spec without fields, where it is not the present one."""
        table = self.table
        found = [number for number, spec in table.specs().items() if spec.is_unpartitioned()]
        return None if table.spec().is_unpartitioned() else min(found, default=None)

    def write(self, rows: Sequence[Row], *, apart: bool = False) -> list[DataFile]:
        """Rows as data files under the present schema and partition spec; no snapshot.

        Rows ``apart`` are of level 0, if there is one.
        """
        if not rows:
            return []
        table = self.table
        metadata = table.metadata
        spec_id = self.level_zero() if apart else None
        if spec_id is not None:
            metadata = metadata.model_copy(update={"default_spec_id": spec_id})
        schema = schema_to_pyarrow(table.schema())
        columns = [[row.get(name) for row in rows] for name in schema.names]
        frame = pa.table(
            [pa.array(c, f.type) for c, f in zip(columns, schema, strict=True)], schema=schema
        )
        files = list(_dataframe_to_data_files(metadata, frame, table.io))
        for file in files:
            file.spec_id = metadata.default_spec_id
            self._account(file)
        return files

    def append(self, *rows: Row, apart: bool = False) -> SnapshotEntry:
        """Rows that come."""
        return self.add(self.write(rows, apart=apart))

    def add(self, files: Sequence[DataFile]) -> SnapshotEntry:
        """Files of :meth:`write` that come."""
        return self._commit(
            [(file, None) for file in files], (), Operation.APPEND, self._with(files)
        )

    def delta(
        self,
        lost: Collection[Place],
        *rows: Row,
        again: Collection[Place] = (),
        one_file: bool = True,
        bounds: bool = True,
        apart: bool = False,
    ) -> SnapshotEntry:
        """Rows that go by position deletes, and rows that come.

        Args:
            lost: of rows that are there.
            rows: appended.
            again: positions that are named though they are gone already, or their file is.
            one_file: one delete file per partition, not per data file.
            bounds: whether the delete files tell which paths they name.
            apart: the rows that come are of level 0, if there is one.
        """
        files = self.write(rows, apart=apart)
        deletes = self._delete_files([*lost, *again], one_file=one_file, bounds=bounds)
        gone = {path: set(each) for path, each in self._with(files).gone.items()}
        for path, position in lost:
            gone[path].add(position)
        return self._commit(
            [(each, None) for each in [*files, *deletes]],
            (),
            Operation.OVERWRITE,
            Version({path: frozenset(each) for path, each in gone.items()}),
        )

    def rewrite(
        self,
        paths: Collection[str],
        *,
        leave_out: Collection[Place] = (),
        drop_deletes: bool = True,
        old_number: bool = False,
        operation: Operation | None = None,
    ) -> SnapshotEntry:
        """Write the rows of files anew, all together, without some (then it is copy-on-write).

        Args:
            paths: live files.
            leave_out: places of rows that go.
            drop_deletes: delete files that name nothing but these files go as well.
            old_number: the new files carry the highest data sequence number of the old ones, as
                Spark's rewrite_data_files gives it.
            operation: ``replace`` when no row goes, unless said.
        """
        version = self.version
        stay = [p for p in self.places(version) if p[0] in paths and p not in set(leave_out)]
        names = [field.name for field in self.table.schema().fields]
        files = self.write([dict(zip(names, self.row(place), strict=True)) for place in stay])
        number = max((self._numbers[path] for path in paths), default=0)
        dropped = set(paths)
        if drop_deletes:
            dropped |= {
                path for path, named in self._deletes().items() if {p for p, _ in named} <= dropped
            }
        kept = {path: gone for path, gone in version.gone.items() if path not in paths}
        return self._commit(
            [(file, number if old_number else None) for file in files],
            dropped,
            operation or (Operation.OVERWRITE if leave_out else Operation.REPLACE),
            Version({**kept, **{file.file_path: frozenset() for file in files}}),
        )

    def spill(self) -> SnapshotEntry | None:
        """The rows of level 0 move to their partitions, if there are files of it."""
        spec_id = self.level_zero()
        paths = {path for path in self.version.gone if self._files[path].spec_id == spec_id}
        return self.rewrite(paths) if paths else None

    def fold_deletes(self) -> SnapshotEntry:
        """All position delete files become one per partition; those of dead files go."""
        version = self.version
        lost = [(path, each) for path, gone in version.gone.items() for each in gone]
        return self._commit(
            [(file, None) for file in self._delete_files(lost, one_file=True, bounds=True)],
            set(self._deletes()),
            Operation.REPLACE,
            version,
        )

    def merge_manifests(self) -> SnapshotEntry:
        """The same files in other manifests."""
        return self._commit([], (), Operation.REPLACE, self.version, merge=True)

    def roll_back(self, snapshot: SnapshotEntry) -> None:
        """The branch becomes that snapshot."""
        with self.table.manage_snapshots() as manage:
            manage.create_branch(snapshot.snapshot_id, self.branch)

    def fork(self, snapshot: SnapshotEntry, branch: str) -> None:
        """Go on from a snapshot, on a branch of its own."""
        self.branch = branch
        self.roll_back(snapshot)

    def _with(self, files: Iterable[DataFile]) -> Version:
        return Version({**self.version.gone, **{f.file_path: frozenset() for f in files}})

    def _account(self, file: DataFile) -> None:
        read = pq.read_table(file.file_path.removeprefix("file://"), partitioning=None)
        ids = [int(field.metadata[b"PARQUET:field_id"]) for field in read.schema]
        columns = [column.to_pylist() for column in read.columns]
        self._files[file.file_path] = file
        self._rows[file.file_path] = [
            dict(zip(ids, values, strict=True)) for values in zip(*columns, strict=True)
        ]

    def _deletes(self) -> dict[str, set[Place]]:
        """What the live delete files name."""
        table = self.table
        found = {}
        for entry in foreign_snapshots.entries(table, ManifestContent.DELETES, self.branch):
            path = entry.data_file.file_path
            read = pq.read_table(path.removeprefix("file://"), partitioning=None).to_pydict()
            found[path] = set(zip(read["file_path"], read["pos"], strict=True))
        return found

    def _delete_files(
        self, places: Iterable[Place], *, one_file: bool, bounds: bool
    ) -> list[DataFile]:
        table = self.table
        grouped: dict[tuple[int, Record, str], dict[str, list[int]]] = defaultdict(dict)
        for path, position in places:
            file = self._files[path]
            key = (file.spec_id, file.partition, "" if one_file else path)
            grouped[key].setdefault(path, []).append(position)
        return [
            foreign_snapshots.delete_file(table, each, self._files[next(iter(each))], bounds=bounds)
            for each in grouped.values()
        ]

    def _commit(
        self,
        added: Sequence[tuple[DataFile, int | None]],
        dropped: Collection[str],
        operation: Operation,
        version: Version,
        *,
        merge: bool = False,
    ) -> SnapshotEntry:
        foreign_snapshots.snapshot(
            self.table,
            added=added,
            dropped=dropped,
            operation=operation,
            branch=self.branch,
            merge=merge,
        )
        head = self.head
        for file, number in added:
            self._numbers[file.file_path] = head.sequence_number if number is None else number
        self.versions[head.snapshot_id] = version
        return head
