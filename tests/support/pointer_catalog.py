"""An Iceberg catalog in this process: real metadata files, and a dictionary that points to them.

Requirements are checked and updates applied by PyIceberg's own code for catalogs that keep
nothing but a pointer; the pointer is moved by comparing it with the one that was read, as such
catalogs do in their database. Several catalog objects may share one :class:`Pointers`.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from pyiceberg.catalog import Catalog, MetastoreCatalog, PropertiesUpdateSummary
from pyiceberg.catalog.noop import NoopCatalog
from pyiceberg.exceptions import (
    CommitFailedException,
    NamespaceAlreadyExistsError,
    NoSuchTableError,
    TableAlreadyExistsError,
)
from pyiceberg.partitioning import UNPARTITIONED_PARTITION_SPEC, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.serializers import FromInputFile
from pyiceberg.table import CommitTableResponse, StagedTable, Table
from pyiceberg.table.metadata import TableMetadata
from pyiceberg.table.sorting import UNSORTED_SORT_ORDER, SortOrder
from pyiceberg.table.update import TableRequirement, TableUpdate
from pyiceberg.typedef import EMPTY_DICT, Identifier, Properties


@dataclass
class Pointers:
    """Where the current metadata of each table is."""

    namespaces: set[Identifier] = field(default_factory=set)
    tables: dict[Identifier, str] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)


class PointerCatalog(MetastoreCatalog, NoopCatalog):
    """Tables below ``warehouse``, found through ``pointers``."""

    def __init__(self, warehouse: str, pointers: Pointers | None = None) -> None:
        super().__init__("pointers", warehouse=warehouse)
        self.pointers = pointers or Pointers()

    def create_namespace(
        self, namespace: str | Identifier, properties: Properties = EMPTY_DICT
    ) -> None:
        key = Catalog.identifier_to_tuple(namespace)
        if key in self.pointers.namespaces:
            raise NamespaceAlreadyExistsError(f"{namespace} exists")
        self.pointers.namespaces.add(key)

    def list_namespaces(self, namespace: str | Identifier = ()) -> list[Identifier]:
        parent = Catalog.identifier_to_tuple(namespace) if namespace else ()
        size = len(parent)
        every = {*self.pointers.namespaces, *(each[:-1] for each in self.pointers.tables)}
        return sorted(
            {each[: size + 1] for each in every if len(each) > size and each[:size] == parent}
        )

    def list_tables(self, namespace: str | Identifier) -> list[Identifier]:
        key = Catalog.identifier_to_tuple(namespace)
        return sorted(each for each in self.pointers.tables if each[:-1] == key)

    def load_namespace_properties(self, namespace: str | Identifier) -> Properties:
        return {}

    def update_namespace_properties(
        self,
        namespace: str | Identifier,
        removals: set[str] | None = None,
        updates: Properties = EMPTY_DICT,
    ) -> PropertiesUpdateSummary:
        raise NotImplementedError

    def create_table(
        self,
        identifier: str | Identifier,
        schema: Schema | Any,
        location: str | None = None,
        partition_spec: PartitionSpec = UNPARTITIONED_PARTITION_SPEC,
        sort_order: SortOrder = UNSORTED_SORT_ORDER,
        properties: Properties = EMPTY_DICT,
    ) -> Table:
        key = Catalog.identifier_to_tuple(identifier)
        staged = self._create_staged_table(
            key, schema, location, partition_spec, sort_order, properties
        )
        self._write_metadata(staged.metadata, staged.io, staged.metadata_location)
        if key in self.pointers.tables:
            raise TableAlreadyExistsError(f"{key} exists")
        self.pointers.tables[key] = staged.metadata_location
        return self.load_table(key)

    def load_table(self, identifier: str | Identifier) -> Table:
        key = Catalog.identifier_to_tuple(identifier)
        location = self.pointers.tables.get(key)
        if location is None:
            raise NoSuchTableError(f"{key} does not exist")
        io = self._load_file_io(location=location)
        metadata = FromInputFile.table_metadata(io.new_input(location))
        return Table(key, metadata, location, io, self)

    def table_exists(self, identifier: str | Identifier) -> bool:
        return Catalog.identifier_to_tuple(identifier) in self.pointers.tables

    def drop_table(self, identifier: str | Identifier) -> None:
        key = Catalog.identifier_to_tuple(identifier)
        if self.pointers.tables.pop(key, None) is None:
            raise NoSuchTableError(f"{key} does not exist")

    def commit_table(
        self,
        table: Table,
        requirements: tuple[TableRequirement, ...],
        updates: tuple[TableUpdate, ...],
    ) -> CommitTableResponse:
        key = table.name()
        current = self.load_table(key)
        with _as_conflict():
            staged = self._update_and_stage_table(current, key, requirements, updates)
        metadata = _with_parents(staged, current.metadata, updates)
        self._write_metadata(metadata, staged.io, staged.metadata_location)
        with self.pointers.lock:
            if self.pointers.tables.get(key) != current.metadata_location:
                raise CommitFailedException(f"{key} was updated meanwhile")
            self.pointers.tables[key] = staged.metadata_location
        return CommitTableResponse(metadata=metadata, metadata_location=staged.metadata_location)


@contextmanager
def _as_conflict() -> Iterator[None]:
    """A snapshot whose sequence number is taken is a conflict, as REST catalogs answer it."""
    try:
        yield
    except ValueError as error:
        if "sequence number" not in str(error):
            raise
        raise CommitFailedException(str(error)) from error


def _with_parents(
    staged: StagedTable, base: TableMetadata, updates: tuple[TableUpdate, ...]
) -> TableMetadata:
    """Parents as they were stated: PyIceberg's client-side removal of snapshots forgets them."""
    stated = {s.snapshot_id: s.parent_snapshot_id for s in base.snapshots}
    for update in updates:
        added = getattr(update, "snapshot", None)
        if added is not None:
            stated[added.snapshot_id] = added.parent_snapshot_id
    snapshots = [
        s.model_copy(update={"parent_snapshot_id": stated[s.snapshot_id]})
        for s in staged.metadata.snapshots
    ]
    return staged.metadata.model_copy(update={"snapshots": snapshots})
