"""Do the books balance? Per partition: offsets advanced = rows + stated gaps = rows counted.

Where records announce files, a record is a file that was loaded or a row that says why not, and
the rows counted are those and what the files brought: offsets advanced = rows + gaps + files, and
rows counted = rows + loaded.

The ledger is what the snapshots say; the count is done independently, by DuckDB over the data
files of the very same snapshot.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from pyiceberg.table import Table

from shared.contracts.dead_letters import REPLAYED_FROM_ATTRIBUTE
from shared.lake.position import Stretch
from shared.lake.positions import PartitionKey
from shared.lake.query import Pin, query
from shared.lake.reader import LakeReader
from shared.lake.recorded import recorded
from shared.lake.table_state import TableState

_COUNT = """
select _topic, _partition, count(*), count(_error), count(distinct _offset),
       count(*) filter (_replayed),
       count(*) filter (json_exists(_attributes, '$.{attribute}'))
from {table} group by _topic, _partition
"""


@dataclass(frozen=True, slots=True)
class Counted:
    """Rows of one partition as counted in the data files."""

    rows: int = 0
    errors: int = 0
    distinct_offsets: int = 0
    replayed: int = 0
    from_dead_letters: int = 0
    """Rows of records that an operator sent in the place of dead letters."""


@dataclass(frozen=True, slots=True)
class PartitionBalance:
    """One partition of one table.

    Attributes:
        stretches: the ledger; every stretch is ``next - first = rows + gaps + files``.
        counted: what is in the data files.
        findings: what does not fit, in words; empty when it balances.
    """

    topic: str
    partition: int
    stretches: tuple[Stretch, ...]
    counted: Counted
    findings: tuple[str, ...]

    @property
    def next(self) -> int | None:
        """Recorded next offset."""
        return self.stretches[-1].next if self.stretches else None

    @property
    def balanced(self) -> bool:
        """Whether ledger and count agree."""
        return not self.findings


@dataclass(frozen=True, slots=True)
class TableBalance:
    """One table at one snapshot; ``lost`` when its positions cannot be found."""

    table: str
    snapshot_id: int | None
    lost: bool
    partitions: tuple[PartitionBalance, ...]

    @property
    def balanced(self) -> bool:
        """Whether every partition balances."""
        return not self.lost and all(each.balanced for each in self.partitions)


def balance(lake: LakeReader, name: str) -> TableBalance:
    """Compare ledger and data files of one landing table.

    Raises:
        NotFound, Unavailable, Refused: as :func:`shared.lake.query.query`.
    """
    table = lake.table(name)
    known = recorded(TableState.of(table.metadata)).positions
    snapshot_id = table.metadata.current_snapshot_id
    counted = _counted(lake, name, table)
    ledger = {} if known is None else {key: p.stretches for key, p in known.partitions.items()}
    partitions = tuple(
        weigh(key, ledger.get(key, ()), counted.get(key, Counted()))
        for key in sorted(set(ledger) | set(counted))
    )
    return TableBalance(name, snapshot_id, known is None, partitions)


def weigh(key: PartitionKey, stretches: tuple[Stretch, ...], counted: Counted) -> PartitionBalance:
    """The findings of one partition. Pure."""
    findings = [
        f"stretch [{s.first}, {s.next}) advanced {s.next - s.first} offsets, "
        f"but states {s.rows} rows + {s.gaps} gaps" + (f" + {s.files} files" if s.files else "")
        for s in stretches
        if s.next - s.first != s.rows + s.gaps + s.files
    ]
    rows, errors = sum(s.landed for s in stretches), sum(s.errors for s in stretches)
    of_files = any(s.files for s in stretches)
    if counted.rows != rows:
        findings.append(f"the ledger states {rows} rows, the data files hold {counted.rows}")
    if counted.errors != errors:
        findings.append(f"the ledger states {errors} errors, the data files hold {counted.errors}")
    if not of_files and _disjoint(stretches) and counted.distinct_offsets != counted.rows:
        findings.append(f"{counted.rows - counted.distinct_offsets} rows repeat an offset")
    return PartitionBalance(key[0], key[1], stretches, counted, tuple(findings))


def _disjoint(stretches: tuple[Stretch, ...]) -> bool:
    """Whether no two stretches share offsets: a recreated log counts from 0 again."""
    ordered = sorted(stretches, key=lambda s: (s.first, s.next))
    return all(a.next <= b.first for a, b in itertools.pairwise(ordered))


def _counted(lake: LakeReader, name: str, table: Table) -> dict[PartitionKey, Counted]:
    snapshot_id = table.metadata.current_snapshot_id
    if snapshot_id is None:
        return {}
    pins = {name: Pin(snapshot_id=snapshot_id)}
    sql = _COUNT.format(table=name, attribute=REPLAYED_FROM_ATTRIBUTE)
    with query(lake, sql, pins=pins) as result:
        return {(topic, partition): Counted(*rest) for topic, partition, *rest in result.rows()}
