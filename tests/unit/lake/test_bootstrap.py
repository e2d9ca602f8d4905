"""Tables are made once, as declared, and grow when their declaration does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from pyiceberg.catalog import Catalog
from pyiceberg.schema import Schema
from pyiceberg.types import LongType, NestedField, StringType

from shared.contracts.environment import Environment
from shared.lake.bootstrap import create_tables
from shared.lake.handle import TableHandle
from shared.lake.level_zero import level_zero_spec
from shared.lake.schema import arrow_schema, iceberg_schema, partition_spec
from shared.runtime.errors import Refused
from shared.tables.registry import TABLES
from shared.tables.spec import PLATFORM_PROPERTIES, Column, TableSpec, Type
from tests.support.derived_lake import derived_table
from tests.support.lake import EVENTS, LOG, PLAIN
from tests.support.pointer_catalog import PointerCatalog, Pointers


@pytest.fixture
def catalog(tmp_path: Path) -> PointerCatalog:
    return PointerCatalog(tmp_path.as_uri())


def location(catalog: Catalog, spec: TableSpec) -> str:
    return catalog.load_table(PLAIN.table(spec.name)).metadata_location


@pytest.mark.parametrize("spec", TABLES.values(), ids=TABLES.keys())
class TestEveryTable:
    def test_fields_have_the_declared_ids_names_and_types(
        self, catalog: PointerCatalog, spec: TableSpec
    ) -> None:
        create_tables(catalog, PLAIN, [spec])
        table = catalog.load_table(PLAIN.table(spec.name))
        assert [
            (field.field_id, field.name, field.field_type, field.required)
            for field in table.schema().fields
        ] == [
            (field.field_id, field.name, field.field_type, field.required)
            for field in iceberg_schema(spec).fields
        ]
        assert [field.field_id for field in table.schema().fields] == [
            column.field_id for column in spec.columns
        ]

    def test_the_partition_is_the_declared_grain_of_the_declared_column(
        self, catalog: PointerCatalog, spec: TableSpec
    ) -> None:
        create_tables(catalog, PLAIN, [spec])
        fields = catalog.load_table(PLAIN.table(spec.name)).spec().fields
        declared = spec.partition_by
        assert [(field.source_id, str(field.transform), field.name) for field in fields] == (
            []
            if declared is None
            else [
                (
                    spec.column(declared.column).field_id,
                    declared.grain.value,
                    f"{declared.column}_{declared.grain.value}",
                )
            ]
        )

    def test_the_platforms_properties_are_set(
        self, catalog: PointerCatalog, spec: TableSpec
    ) -> None:
        create_tables(catalog, PLAIN, [spec])
        metadata = catalog.load_table(PLAIN.table(spec.name)).metadata
        expected = {**PLATFORM_PROPERTIES, **spec.properties}
        assert metadata.format_version == int(expected.pop("format-version")) == 2
        assert expected.items() <= metadata.properties.items()

    def test_arrow_and_iceberg_agree(self, catalog: PointerCatalog, spec: TableSpec) -> None:
        assert [
            (field.name, int(field.metadata[b"PARQUET:field_id"]), field.nullable)
            for field in arrow_schema(spec)
        ] == [
            (field.name, field.field_id, not field.required)
            for field in iceberg_schema(spec).fields
        ]


def test_an_unpartitioned_table_has_no_partition_field() -> None:
    assert partition_spec(LOG).is_unpartitioned()


def test_all_tables_are_made_once(catalog: PointerCatalog) -> None:
    assert create_tables(catalog, PLAIN, TABLES.values()) == list(TABLES)
    before = {name: location(catalog, spec) for name, spec in TABLES.items()}
    assert create_tables(catalog, PLAIN, TABLES.values()) == []
    assert {name: location(catalog, spec) for name, spec in TABLES.items()} == before


def test_environments_have_tables_of_their_own(catalog: PointerCatalog) -> None:
    assert create_tables(catalog, PLAIN, [LOG]) == ["raw.log"]
    assert create_tables(catalog, Environment("dev"), [LOG]) == ["raw.log"]
    assert catalog.table_exists(("raw", "log"))
    assert catalog.table_exists(("dev_raw", "log"))


def test_what_is_missing_is_made(catalog: PointerCatalog) -> None:
    create_tables(catalog, PLAIN, [LOG])
    assert create_tables(catalog, PLAIN, [LOG, EVENTS]) == ["raw.events"]


class TestDeclaredSince:
    more = Column("note", Type.STRING, 4, ("note",), doc="What it is about.")

    def test_a_column_declared_since_is_added_under_its_id(self, catalog: PointerCatalog) -> None:
        create_tables(catalog, PLAIN, [LOG])
        create_tables(catalog, PLAIN, [replace(LOG, columns=(*LOG.columns, self.more))])
        field = catalog.load_table(PLAIN.table(LOG.name)).schema().find_field("note")
        assert (field.field_id, field.field_type, field.required) == (4, StringType(), False)
        assert field.doc == "What it is about."

    def test_it_is_added_once(self, catalog: PointerCatalog) -> None:
        grown = replace(LOG, columns=(*LOG.columns, self.more))
        create_tables(catalog, PLAIN, [LOG])
        create_tables(catalog, PLAIN, [grown])
        before = location(catalog, LOG)
        create_tables(catalog, PLAIN, [grown])
        assert location(catalog, LOG) == before

    def test_a_declared_id_that_the_catalog_will_not_give_is_refused(
        self, catalog: PointerCatalog
    ) -> None:
        create_tables(catalog, PLAIN, [LOG])
        skipping = replace(LOG, columns=(*LOG.columns, replace(self.more, field_id=9)))
        with pytest.raises(Refused, match=r"raw\.log: column note is declared with field id 9"):
            create_tables(catalog, PLAIN, [skipping])


class TestLevelZero:
    """A derived table that is partitioned has a spec without fields beside the declared one."""

    def specs(self, catalog: PointerCatalog, spec: TableSpec) -> list[bool]:
        """Whether each partition spec is without fields, the default one first."""
        table = catalog.load_table(PLAIN.table(spec.name))
        others = [each for number, each in table.specs().items() if number != table.spec().spec_id]
        return [each.is_unpartitioned() for each in (table.spec(), *others)]

    def old(self, catalog: PointerCatalog, spec: TableSpec) -> None:
        """A table of a version that knew no level 0."""
        catalog.create_namespace(PLAIN.table(spec.name)[0])
        catalog.create_table(
            PLAIN.table(spec.name), iceberg_schema(spec), partition_spec=partition_spec(spec)
        )

    def test_a_new_table_has_it(self, catalog: PointerCatalog) -> None:
        create_tables(catalog, PLAIN, [derived_table()])
        assert self.specs(catalog, derived_table()) == [False, True]

    def test_a_table_of_before_gets_it_once(self, catalog: PointerCatalog) -> None:
        self.old(catalog, derived_table())
        assert create_tables(catalog, PLAIN, [derived_table()]) == []
        assert self.specs(catalog, derived_table()) == [False, True]
        before = location(catalog, derived_table())
        create_tables(catalog, PLAIN, [derived_table()])
        assert location(catalog, derived_table()) == before

    def test_others_do_not(self, catalog: PointerCatalog) -> None:
        whole = replace(derived_table(), partition_by=None)
        create_tables(catalog, PLAIN, [whole, EVENTS])
        assert self.specs(catalog, whole) == [True]
        assert self.specs(catalog, EVENTS) == [False]

    def test_partitions_that_somebody_else_has_chosen_stay(self, catalog: PointerCatalog) -> None:
        self.old(catalog, derived_table())
        with catalog.load_table(PLAIN.table("core.orders")).update_spec() as update:
            update.remove_field("day_month")
        before = location(catalog, derived_table())
        create_tables(catalog, PLAIN, [derived_table()])
        assert location(catalog, derived_table()) == before

    def test_writers_that_run_already_take_it_up(self, tmp_path: Path) -> None:
        """A handle remembers the table from before."""
        pointers = Pointers()
        catalog = PointerCatalog(tmp_path.as_uri(), pointers)
        self.old(catalog, derived_table())
        handle = TableHandle(PointerCatalog(tmp_path.as_uri(), pointers), PLAIN, "core.orders")
        handle.reload()
        assert level_zero_spec(handle.table) is None
        create_tables(catalog, PLAIN, [derived_table()])
        handle.reload()
        assert level_zero_spec(handle.table) is not None


class TestContradictions:
    def make(self, catalog: PointerCatalog, *fields: NestedField) -> None:
        catalog.create_namespace("raw")
        catalog.create_table(PLAIN.table(LOG.name), Schema(*fields))

    def test_another_name_under_the_id(self, catalog: PointerCatalog) -> None:
        self.make(
            catalog,
            NestedField(1, "topic", StringType(), required=True),
            NestedField(2, "_partition", LongType(), required=True),
            NestedField(3, "_offset", LongType(), required=True),
        )
        with pytest.raises(
            Refused,
            match=r"table raw\.log: column _topic is declared with field id 1 as string, "
            r"the catalog has 'topic' as string",
        ) as refused:
            create_tables(catalog, PLAIN, [LOG])
        assert "move it away or change its declaration" in refused.value.next_step

    def test_another_type_under_the_id(self, catalog: PointerCatalog) -> None:
        self.make(
            catalog,
            NestedField(1, "_topic", StringType(), required=True),
            NestedField(2, "_partition", LongType(), required=True),
            NestedField(3, "_offset", LongType(), required=True),
        )
        with pytest.raises(
            Refused,
            match=r"column _partition is declared with field id 2 as int, "
            r"the catalog has '_partition' as long",
        ):
            create_tables(catalog, PLAIN, [LOG])

    def test_a_column_that_was_dropped(self, catalog: PointerCatalog) -> None:
        create_tables(catalog, PLAIN, [LOG])
        with catalog.load_table(PLAIN.table(LOG.name)).update_schema(
            allow_incompatible_changes=True
        ) as update:
            update.delete_column("_offset")
        with pytest.raises(Refused, match=r"column _offset .* the catalog has nothing there"):
            create_tables(catalog, PLAIN, [LOG])

    def test_nothing_is_changed(self, catalog: PointerCatalog) -> None:
        self.make(catalog, NestedField(1, "mine", StringType()))
        before = location(catalog, LOG)
        with pytest.raises(Refused):
            create_tables(catalog, PLAIN, [LOG])
        assert location(catalog, LOG) == before
