"""Follow one landed record down: which snapshot of each derived table holds it, in which row.

A table is entered from the first of its inputs that led somewhere, by the keys that
:mod:`shared.tables.trails` names. Rows are looked up at the head: what is shown is the row as it is
now, and the snapshot from which on the table contained the record.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from pyiceberg.expressions import (
    AlwaysFalse,
    AlwaysTrue,
    And,
    BooleanExpression,
    EqualTo,
    Or,
    Reference,
)
from pyiceberg.expressions.literals import literal

from shared.lake.history import Covering, first_covering, offsets_of
from shared.lake.positions import PartitionKey
from shared.lake.query import Pin, query
from shared.lake.reader import LakeReader
from shared.lake.table_state import TableState
from shared.lake.tracing.trace import DerivedHop, DerivedRow, Snapshot
from shared.runtime.errors import NotFound, Refused
from shared.tables.lineage import downstream, in_order
from shared.tables.spec import Kind, TableSpec
from shared.tables.trails import trail

MAX_ROWS = 20
"""Most rows followed of one table: a key that is only known in part may lead to many."""

_EVENT_ID, _RULE = "_event_id", "rule"
"""Whose version a row is, and which rule refused it: columns of folds and of quarantine tables."""


@dataclass(frozen=True, slots=True)
class Landed:
    """A record that landed: where it is, when its commit was prepared, which event it is."""

    table: str
    key: PartitionKey
    offset: int
    loaded_at: datetime
    event_id: str | None


@dataclass(frozen=True, slots=True)
class _Found:
    """Rows of one table as conditions for finding them again, and the version they are of."""

    snapshot_id: int
    conditions: tuple[Mapping[str, Any], ...]


class DerivedTrace:
    """Follows records through the tables of one environment; each table's state is loaded once.

    For one thread.
    """

    def __init__(self, lake: LakeReader, tables: Mapping[str, TableSpec]) -> None:
        self._lake = lake
        self._tables = tables
        self._states: dict[str, TableState | None] = {}
        self._answers: dict[tuple[object, ...], list[tuple[Any, ...]]] = {}

    def follow(self, landed: Landed, snapshot_id: int) -> tuple[DerivedHop, ...]:
        """Every table that is built from the record's, in the order of building.

        Args:
            landed: the record.
            snapshot_id: the version of its landing table that holds it.

        Raises:
            Unavailable: catalog or store do not answer.
        """
        topic, partition = landed.key
        place = {"_topic": topic, "_partition": partition, "_offset": landed.offset}
        found = {landed.table: _Found(snapshot_id, (place,))}
        wanted = downstream(landed.table, self._tables)
        order = (name for name in in_order(self._tables) if name in wanted)
        return tuple(self._hop(self._tables[name], landed, found) for name in order)

    def _hop(self, spec: TableSpec, landed: Landed, found: dict[str, _Found]) -> DerivedHop:
        state = self._state(spec.name)
        head = None if state is None else state.current_snapshot()
        if state is None or head is None:
            return DerivedHop(spec.name, None, None, (), (), _is_quarantine(spec))
        covering = first_covering(state, landed.key, landed.offset, not_before=landed.loaded_at)
        reached = offsets_of(head).get(landed.key)
        source = next((each for each in _reads(spec) if each in found), None)
        if source is None or covering is None:
            return DerivedHop(spec.name, _snapshot(covering), reached, (), (), _is_quarantine(spec))
        keys = self._keys(spec, self._tables[source], found[source])
        rows = self._rows(spec, head.snapshot_id, keys, landed)
        if rows:
            conditions = tuple(dict(row.values) for row in rows)
            found[spec.name] = _Found(head.snapshot_id, conditions)
        return DerivedHop(
            spec.name,
            _snapshot(covering),
            reached,
            tuple(_texts(key) for key in keys),
            tuple(row.told for row in rows),
            _is_quarantine(spec),
        )

    def _keys(self, spec: TableSpec, source: TableSpec, rows: _Found) -> list[dict[str, Any]]:
        """The keys, whole or in part, that rows of a source lead to."""
        by = trail(spec, source)
        if not by:
            return []
        columns = ", ".join(f'{expression} as "{name}"' for name, expression in by.items())
        found = self._select(f"distinct {columns}", source, rows.snapshot_id, rows.conditions)
        return [dict(zip(by, values, strict=True)) for values in found]

    def _rows(
        self, spec: TableSpec, snapshot_id: int, keys: Sequence[dict[str, Any]], landed: Landed
    ) -> list[_Row]:
        if not keys or spec.derived is None:
            return []
        names = list(spec.derived.key)
        extra = [name for name in (_EVENT_ID, _RULE) if name in _names(spec)]
        fetched = list(dict.fromkeys([*names, *extra]))
        columns = ", ".join(f'"{name}"' for name in fetched)
        rows = []
        for values in self._select(columns, spec, snapshot_id, keys):
            row = dict(zip(fetched, values, strict=True))
            key = {name: row[name] for name in names}
            winner = row.get(_EVENT_ID) if spec.derived.kind is Kind.FOLD else None
            won = None if winner is None else winner == landed.event_id
            rows.append(_Row(key, DerivedRow(_texts(key), won, winner, row.get(_RULE))))
        return rows

    def _select(
        self,
        columns: str,
        spec: TableSpec,
        snapshot_id: int,
        conditions: Iterable[Mapping[str, Any]],
    ) -> list[tuple[Any, ...]]:
        wanted = list(conditions)
        either = [" and ".join(f'"{n}" is not distinct from ?' for n in each) for each in wanted]
        parameters = [value for each in wanted for value in each.values()]
        where = " or ".join(f"({each})" for each in either)
        sql = f"select {columns} from {spec.name} where {where} limit {MAX_ROWS}"  # noqa: S608
        asked = (snapshot_id, sql, *parameters)
        if asked not in self._answers:  # deliveries of one event lead to the same rows
            self._answers[asked] = self._asked(spec.name, snapshot_id, sql, parameters, wanted)
        return self._answers[asked]

    def _asked(
        self,
        name: str,
        snapshot_id: int,
        sql: str,
        parameters: Sequence[Any],
        wanted: Sequence[Mapping[str, Any]],
    ) -> list[tuple[Any, ...]]:
        pins = {name: Pin(snapshot_id=snapshot_id)}
        pruning = _pruning(wanted)
        try:
            with query(
                self._lake, sql, pins=pins, parameters=parameters, row_filter=pruning
            ) as result:
                return list(result.rows())
        except (NotFound, Refused):  # the version went meanwhile, or other engines' files
            return []

    def _state(self, name: str) -> TableState | None:
        if name not in self._states:
            table = self._lake.tables([name])[name]
            self._states[name] = None if table is None else TableState.of(table.metadata)
        return self._states[name]


@dataclass(frozen=True, slots=True)
class _Row:
    values: Mapping[str, Any]
    told: DerivedRow


def _pruning(conditions: Sequence[Mapping[str, Any]]) -> BooleanExpression:
    """Files that cannot hold a wanted row are not read: by the bounds in the manifests."""
    found: BooleanExpression = AlwaysFalse()
    for each in conditions:
        one: BooleanExpression = AlwaysTrue()
        for name, value in each.items():
            if isinstance(value, int | str | date):
                known = value.isoformat() if isinstance(value, date) else value
                one = And(one, EqualTo(term=Reference(name), value=literal(known)))
        found = Or(found, one)
    return found


def _reads(spec: TableSpec) -> tuple[str, ...]:
    return () if spec.derived is None else spec.derived.reads


def _is_quarantine(spec: TableSpec) -> bool:
    return _RULE in _names(spec)


def _names(spec: TableSpec) -> set[str]:
    return {column.name for column in spec.columns}


def _texts(key: Mapping[str, Any]) -> dict[str, str | None]:
    return {name: None if value is None else str(value) for name, value in key.items()}


def _snapshot(covering: Covering | None) -> Snapshot | None:
    if covering is None:
        return None
    version = covering.version
    return Snapshot(
        version.snapshot_id,
        version.sequence_number,
        version.committed_at,
        version.writer,
        version.commit_id,
        covering.exact,
    )
