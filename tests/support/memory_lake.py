"""Tables in memory: versions of rows with an identity and a place, as builds see them.

Stands in for :class:`services.transformer.framework.lake.Lake`. A row keeps its identity while
compaction moves it; what makes a change is identity, so a row written again with the same values
comes and goes, as it may in a table.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from itertools import count

import polars as pl

from services.transformer.framework.build import Result, compute
from services.transformer.framework.frames import FILE, POSITION, schema
from services.transformer.framework.lake import SourceHead, TargetHead
from services.transformer.framework.plan import Nothing, Plan, plan
from services.transformer.framework.transform import Transform
from shared.contracts.days import Days
from shared.lake.provenance import Complete, Provenance, SourceCut
from shared.lake.reading.keys import Keys
from shared.runtime.errors import Refused
from shared.tables.lineage import upstream
from shared.tables.spec import TableSpec

IDENTITY = "_identity"
NOW = datetime(2024, 5, 1, tzinfo=UTC)


class Stale(Refused):
    """Raised when the table is not what the build was computed on."""


@dataclass(frozen=True, slots=True)
class Version:
    """One snapshot. ``rows`` have the table's columns, an identity and a place."""

    snapshot_id: int
    rows: pl.DataFrame
    complete: Complete = field(default_factory=dict)
    provenance: Provenance | None = None
    foreign: int = 0
    """How often somebody else has changed rows since the provenance was recorded."""
    writes: int = 0
    """Numbers what changed rows last; the same rows, moved, have the same."""
    spoilt: bool = False
    """Holds rows that nobody would find wrong: no head to come back to."""


@dataclass(slots=True)
class MemoryTable:
    """A table: what is retained, and which version is the head."""

    spec: TableSpec
    uuid: str
    versions: dict[int, Version] = field(default_factory=dict)
    head: Version | None = None

    @property
    def rows(self) -> pl.DataFrame:
        """The head's rows, columns of the table only."""
        names = list(schema(self.spec))
        if self.head is None:
            return schema(self.spec).to_frame()
        return self.head.rows.select(names)


@dataclass(frozen=True, slots=True)
class MemoryChanges:
    added: pl.DataFrame
    removed: pl.DataFrame


class MemoryLake:
    """Tables by logical name."""

    def __init__(self, tables: Mapping[str, TableSpec], *, chunk: int = 3) -> None:
        self.specs = tables
        self.chunk = chunk
        self._numbers = count(1)
        self.tables = {name: self._table(spec) for name, spec in tables.items()}

    def _table(self, spec: TableSpec) -> MemoryTable:
        return MemoryTable(spec, f"uuid-{next(self._numbers)}")

    # What happens to tables.

    def write(
        self,
        name: str,
        added: pl.DataFrame,
        *,
        gone: pl.Series | None = None,
        complete: Complete | None = None,
        provenance: Provenance | None = None,
        foreign: int = 0,
        spoilt: bool = False,
    ) -> Version:
        """A new head: rows of the old one without the identities ``gone``, and ``added``."""
        table = self.tables[name]
        snapshot_id = next(self._numbers)
        placed = added.select(list(schema(table.spec))).with_columns(
            pl.Series(IDENTITY, [next(self._numbers) for _ in range(added.height)], pl.Int64),
            pl.lit(f"file-{snapshot_id}").alias(FILE),
            pl.int_range(added.height, dtype=pl.Int64).alias(POSITION),
        )
        old = placed.clear() if table.head is None else table.head.rows
        if gone is not None:
            old = old.filter(~pl.col(IDENTITY).is_in(gone.implode()))
        before = table.head
        version = Version(
            snapshot_id,
            pl.concat([old, placed]),
            complete if complete is not None else (before.complete if before else {}),
            provenance if provenance is not None or before is None else before.provenance,
            0 if provenance or not before else before.foreign + foreign,
            snapshot_id,
            spoilt,
        )
        table.versions[snapshot_id] = table.head = version
        return version

    def rollback(self, name: str, version: Version) -> None:
        """The head is an earlier version again."""
        self.tables[name].head = version

    def compact(self, name: str) -> None:
        """The same rows in another file."""
        table = self.tables[name]
        if table.head is None:
            return
        snapshot_id = next(self._numbers)
        rows = table.head.rows.with_columns(
            pl.lit(f"file-{snapshot_id}").alias(FILE),
            pl.int_range(pl.len(), dtype=pl.Int64).alias(POSITION),
        )
        table.head = replace(table.head, snapshot_id=snapshot_id, rows=rows)
        table.versions[snapshot_id] = table.head

    def expire(self, name: str) -> None:
        """Only the head is retained."""
        table = self.tables[name]
        table.versions = {} if table.head is None else {table.head.snapshot_id: table.head}

    def recreate(self, name: str) -> None:
        """The table is dropped, and made again under its name."""
        self.tables[name] = self._table(self.specs[name])

    def commit(self, transform: Transform, result: Result, *, rule: bool = True) -> Version:
        """Commit what was computed.

        ``rule=False`` leaves out what makes a late builder harmless.

        Raises:
            Stale: the table has moved on since.
        """
        name = transform.target.name
        table = self.tables[name]
        rows = None if table.head is None else table.head.rows
        planned = table.versions.get(result.target.snapshot_id or 0)
        if rule and table.head and (planned is None or planned.writes != table.head.writes):
            raise Stale(f"rows of {name} were written meanwhile")
        if rule and self.target(name).provenance != result.started:
            raise Stale(f"{name} was built by somebody else meanwhile")
        if rows is None:
            gone = None
        elif result.replaces:
            gone = rows[IDENTITY]
        else:
            named = rows.join(result.deleted, on=[FILE, POSITION], how="semi")
            if rule and named.height != result.deleted.height:
                raise Stale(f"rows of {name} that the build deletes are not there")
            gone = named[IDENTITY]
        return self.write(
            name,
            all_added(result),
            gone=gone,
            complete=result.provenance.complete,
            provenance=result.provenance,
        )

    # What a build asks.

    def source(self, table: str) -> SourceHead | None:
        found = self.tables[table]
        if found.head is None:
            return None
        number = found.head.snapshot_id
        return SourceHead(SourceCut(found.uuid, number, number), found.head.complete)

    def target(self, table: str) -> TargetHead:
        head = self.tables[table].head
        if head is None:
            return TargetHead()
        return TargetHead(head.snapshot_id, head.provenance, head.foreign > 0)

    def readable(self, table: str, cut: SourceCut) -> bool:
        found = self.tables[table]
        return found.uuid == cut.uuid and cut.snapshot_id in found.versions

    def empty(self, table: str, columns: Sequence[str]) -> pl.DataFrame:
        return schema(self.specs[table], columns).to_frame()

    def changes(
        self, table: str, start: SourceCut | None, end: SourceCut, columns: Sequence[str]
    ) -> MemoryChanges:
        after = self._version(table, end).rows
        before = after.clear() if start is None else self._version(table, start).rows
        return MemoryChanges(
            after.join(before, on=IDENTITY, how="anti").select(columns),
            before.join(after, on=IDENTITY, how="anti").select(columns),
        )

    def appended(
        self, table: str, start: SourceCut | None, end: SourceCut, columns: Sequence[str]
    ) -> Iterator[pl.DataFrame] | None:
        found = self.changes(table, start, end, columns)
        return found.added.iter_slices(self.chunk) if found.removed.is_empty() else None

    def scan(
        self, table: str, cut: SourceCut, columns: Sequence[str], keys: Keys, *, located: bool
    ) -> pl.DataFrame:
        rows = _matching(self._version(table, cut).rows, keys)
        return rows.select(*columns, *((FILE, POSITION) if located else ()))

    def reach(self, table: str, cut: SourceCut, keys: Keys) -> int:
        return _matching(self._version(table, cut).rows, keys).height

    def chunks(self, table: str, cut: SourceCut, columns: Sequence[str]) -> Iterator[pl.DataFrame]:
        yield from self._version(table, cut).rows.select(columns).iter_slices(self.chunk)

    def height(self, table: str, snapshot_id: int) -> int:
        return self.tables[table].versions[snapshot_id].rows.height

    def located(
        self, table: str, snapshot_id: int, columns: Sequence[str]
    ) -> Iterator[pl.DataFrame]:
        yield from self.stored(table, snapshot_id, None, columns).iter_slices(self.chunk)

    def stored(
        self,
        table: str,
        snapshot_id: int | None,
        keys: Keys | None,
        columns: Sequence[str] | None = None,
    ) -> pl.DataFrame:
        found = self.tables[table]
        names = [*(columns or schema(found.spec)), FILE, POSITION]
        if snapshot_id is None:
            types = pl.Schema({**schema(found.spec), FILE: pl.String(), POSITION: pl.Int64()})
            return pl.DataFrame(schema=types).select(names)
        rows = found.versions[snapshot_id].rows
        return (rows if keys is None else _matching(rows, keys)).select(names)

    def _version(self, table: str, cut: SourceCut) -> Version:
        return self.tables[table].versions[cut.snapshot_id]

    # What a builder does.

    def topics(self, table: str) -> frozenset[str]:
        """The topics that a table comes from."""
        names = [table, *upstream(table, self.specs)]
        return frozenset(topic for name in names for topic in self.specs[name].topics)

    def plan(
        self, transform: Transform, as_of: date | None = None, days: Days | None = None
    ) -> Plan:
        """What the target needs."""
        return plan(transform, self, self.topics, as_of, days=days)

    def build(
        self, transform: Transform, as_of: date | None = None, now: datetime = NOW
    ) -> Result | None:
        """Plan, compute and commit; ``None`` when there was nothing to do."""
        todo = self.plan(transform, as_of)
        if isinstance(todo, Nothing):
            return None
        result = compute(transform, todo, self, now)
        self.commit(transform, result)
        return result

    def rebuilt(self, transform: Transform, as_of: date | None = None) -> pl.DataFrame:
        """What a full build of everything the inputs have gives, computed apart."""
        todo = plan(transform, _Untouched(self), self.topics, as_of)
        assert not isinstance(todo, Nothing)
        return compute(transform, todo, _Untouched(self), NOW).appended


class _Untouched(MemoryLake):
    """The same inputs, and a target that was never built."""

    def __init__(self, lake: MemoryLake) -> None:
        self.specs, self.tables, self.chunk = lake.specs, lake.tables, lake.chunk

    def target(self, table: str) -> TargetHead:
        return TargetHead()


def all_added(result: Result) -> pl.DataFrame:
    """All rows that a build writes."""
    further = () if result.further is None else result.further.partitions()
    tables = [pl.DataFrame(table) for portions in further for table in portions]
    return pl.concat([result.appended, *tables])


def _matching(rows: pl.DataFrame, keys: Keys) -> pl.DataFrame:
    parts = {f"_key_{name}": by for name, by in keys.by.items()}
    wanted = keys.frame.select(pl.col(name).alias(f"_key_{name}") for name in keys.by).unique()
    return rows.with_columns(**parts).join(wanted, on=list(parts), how="semi", nulls_equal=True)
