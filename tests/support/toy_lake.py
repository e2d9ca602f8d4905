"""Toy tables in a catalog of this process: landed, built, looked at."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from services.transformer.building.builder import Builder
from services.transformer.building.tables import Tables
from services.transformer.config import TransformerSettings
from services.transformer.framework.frames import schema
from services.transformer.framework.transform import Transform, derivation
from services.transformer.request import BuildReport, BuildRequest, Stage
from shared.contracts.environment import Environment
from shared.lake.bootstrap import create_tables
from shared.lake.commit import Append, Head, commit
from shared.lake.handle import TableHandle
from shared.lake.landing_files import write_data_file
from shared.lake.positions import Positions
from shared.lake.reading.scan import scan
from shared.lake.table_state import MAIN, TableState
from shared.tables.spec import TableSpec
from tests.support.pointer_catalog import PointerCatalog, Pointers

PLAIN = Environment()
TODAY = date(2024, 1, 10)


class ToyLake:
    """Tables of a catalog below a directory; every builder has connections of its own."""

    def __init__(
        self,
        directory: Path,
        specs: Mapping[str, TableSpec],
        transforms: Mapping[str, Transform],
    ) -> None:
        self.specs, self.transforms = specs, transforms
        self._warehouse, self._pointers = directory.as_uri(), Pointers()
        self.catalog = PointerCatalog(self._warehouse, self._pointers)
        create_tables(self.catalog, PLAIN, specs.values())

    def handle(self, name: str) -> TableHandle:
        """A handle of a connection of its own."""
        return TableHandle(PointerCatalog(self._warehouse, self._pointers), PLAIN, name)

    def builder(self, transforms: Mapping[str, Transform] | None = None) -> Builder:
        """Another process that builds."""
        settings = TransformerSettings()
        tables = Tables(settings, self.specs, self.handle)
        return Builder(settings, transforms or self.transforms, tables)

    def state(self, name: str) -> TableState:
        """A table as it is now."""
        return self.handle(name).reload()

    def land(self, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Commit rows to a landing table, as records of partition 0 of its topic."""
        handle, spec = self.handle(name), self.specs[name]
        frame = pl.DataFrame(rows, schema=schema(spec)).to_arrow()
        file = write_data_file(handle.table, frame.cast(handle.table.schema().as_arrow()), None)

        def decide(head: Head, _: bool) -> Append:
            positions = head.recorded.positions or Positions()
            start = positions.next_offset(spec.topics[0], 0) or 0
            end = start + len(rows)
            moved = positions.advance(
                spec.topics[0], 0, start=start, end=end, rows=len(rows), errors=0, tail=None
            )
            return Append([file], moved)

        commit(handle, decide, commit_id=str(uuid.uuid4()), writer="stream_writer")

    def rows(self, name: str, ref: str = MAIN) -> pl.DataFrame:
        """What a table holds, without its stamped columns, sorted."""
        handle, spec = self.handle(name), self.specs[name]
        columns = list(schema(spec))
        found = scan(handle.table, handle.reload().head(ref), columns)
        stamped = () if spec.derived is None else derivation(spec).stamped
        return found.drop(stamped).sort(pl.all())


def request(stage: Stage = Stage.LIVE, as_of: date = TODAY) -> BuildRequest:
    """A request of its own."""
    return BuildRequest(str(uuid.uuid4()), stage, "asked by a test", as_of)


def build_all(builder: Builder, transforms: Mapping[str, Transform]) -> dict[str, BuildReport]:
    """Every target, in order."""
    return {name: builder.build(name, request()) for name in transforms}
