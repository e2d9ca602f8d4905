"""Make namespaces and tables. One process does all of it: catalogs differ in what a second
concurrent ``create`` means, and some answer success to both with different tables."""

from __future__ import annotations

from collections.abc import Iterable

from pyiceberg.catalog import Catalog
from pyiceberg.exceptions import NamespaceAlreadyExistsError
from pyiceberg.partitioning import PartitionSpec
from pyiceberg.table import Table
from pyiceberg.table.update import (
    AddPartitionSpecUpdate,
    AssertDefaultSpecId,
    AssertTableUUID,
)
from pyiceberg.types import NestedField

from shared.contracts.environment import Environment
from shared.lake.catalog import load, open_catalog
from shared.lake.level_zero import level_zero_spec
from shared.lake.schema import iceberg_schema, partition_spec
from shared.runtime.errors import NotFound, Refused
from shared.runtime.settings import Settings
from shared.tables.registry import TABLES
from shared.tables.spec import PLATFORM_PROPERTIES, TableSpec


def bootstrap_tables(settings: Settings) -> list[str]:
    """:func:`create_tables` in the catalog and environment that the settings name."""
    return create_tables(open_catalog(settings), settings.environment, TABLES.values())


def create_tables(
    catalog: Catalog, environment: Environment, specs: Iterable[TableSpec]
) -> list[str]:
    """Create what is missing; returns the logical names of the tables created now.

    An existing table must have the declared columns under the declared field ids; columns that a
    newer version declares are added, and so is level 0 of a derived table that is partitioned
    (:mod:`shared.lake.level_zero`). One request for a table as declared.

    Raises:
        Refused: an existing table contradicts its declaration.
    """
    specs = tuple(specs)
    for namespace in sorted({environment.table(spec.name)[0] for spec in specs}):
        try:
            catalog.create_namespace(namespace)
        except NamespaceAlreadyExistsError:
            continue
    created: list[str] = []
    for spec in specs:
        try:
            table = load(catalog, environment, spec.name)
        except NotFound:
            table = catalog.create_table(
                environment.table(spec.name),
                schema=iceberg_schema(spec),
                partition_spec=partition_spec(spec),
                properties={**PLATFORM_PROPERTIES, **spec.properties},
            )
            created.append(spec.name)
        _align(table, spec)
    return created


def _align(table: Table, spec: TableSpec) -> None:
    """Check an existing table against its declaration and add columns declared since, and level 0.

    The catalog gives the next free id to a column that is added, so only that one can be declared.
    """
    actual = {field.field_id: field for field in table.schema().fields}
    newer: list[NestedField] = []
    for field in iceberg_schema(spec).fields:
        found = actual.get(field.field_id)
        if field.field_id == table.metadata.last_column_id + len(newer) + 1:
            newer.append(field)
        elif found is None or (found.name, found.field_type) != (field.name, field.field_type):
            there = "nothing there" if found is None else f"{found.name!r} as {found.field_type}"
            raise Refused(
                f"table {spec.name}: column {field.name} is declared with field id "
                f"{field.field_id} as {field.field_type}, the catalog has {there}",
                "the table was made by something else: move it away or change its declaration",
            )
    if newer:
        with table.update_schema() as update:
            for field in newer:
                update.add_column(field.name, field.field_type, doc=field.doc)
    _give_level_zero(table, spec)


def _give_level_zero(table: Table, spec: TableSpec) -> None:
    """Add the partition spec without fields, if it lacks; the default spec stays what it is.

    Catalogs differ in whether they add an equal spec twice, so it is looked for first.
    """
    if spec.derived is None or spec.partition_by is None:
        return
    if table.spec().is_unpartitioned() or level_zero_spec(table) is not None:
        return
    metadata = table.metadata
    table.catalog.commit_table(
        table,
        (
            AssertTableUUID(uuid=metadata.table_uuid),
            AssertDefaultSpecId(default_spec_id=metadata.default_spec_id),
        ),
        (AddPartitionSpecUpdate(spec=PartitionSpec(spec_id=max(table.specs()) + 1)),),
    )
