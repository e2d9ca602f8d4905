"""Rows of a pinned snapshot, read by plain PyIceberg, beside what the writers noted down.

PyIceberg plans the scan, reads the files and applies the deletes: nothing of ours takes part.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.csv
from pyiceberg.table import Table

from tests.soak.ledger import Entry
from tests.soak.rows import Identity, Soaked


@dataclass(frozen=True, slots=True)
class Comparison:
    """One version of a table beside the account.

    Attributes:
        table: logical table.
        sequence: of the snapshot.
        head: whether it was the head, or an older version.
        rows: that it holds.
        lost: that it should hold, and does not.
        resurrected: that it should not hold: of a version before, or removed.
        doubled: that it holds once more than once.
        altered: whose values are not those that were written.
        hash: over all rows, in order.
    """

    table: str
    sequence: int
    head: bool
    rows: int
    lost: int = 0
    resurrected: int = 0
    doubled: int = 0
    altered: int = 0
    hash: str = ""


def account(entries: Iterable[Entry], sequence: int) -> frozenset[Identity]:
    """Identities of the rows at a version: what came up to it, without what went.

    Raises:
        ValueError: a row goes that is not there: its writer has read one that was gone.
    """
    found: set[Identity] = set()
    for entry in entries:
        if entry.sequence > sequence:
            break
        if strange := set(entry.removed) - found:
            raise ValueError(f"{entry.stream} removed {min(strange)}, which was gone already")
        found.difference_update(entry.removed)
        found.update(entry.added)
    return frozenset(found)


def rows_at(soaked: Soaked, table: Table, snapshot_id: int) -> pa.Table:
    """All rows of a snapshot, as declared."""
    rows = table.scan(snapshot_id=snapshot_id).to_arrow()
    schema = soaked.rows(()).schema
    return rows.select(schema.names).cast(schema)


def compare(
    soaked: Soaked, sequence: int, rows: pa.Table, expected: frozenset[Identity], *, head: bool
) -> Comparison:
    """Count what is not as it should be. Pure."""
    found = Counter(soaked.identities(rows))
    missing, strange = expected - found.keys(), found.keys() - expected
    shared = sorted(expected & found.keys())
    altered, digest = _altered(soaked, rows, shared) if shared else (0, hash_of(rows))
    return Comparison(
        soaked.name,
        sequence,
        head,
        len(rows),
        lost=len(missing),
        resurrected=len(strange),
        doubled=sum(count - 1 for count in found.values()),
        altered=altered,
        hash=digest,
    )


def hash_of(rows: pa.Table) -> str:
    """Over every value of rows in their order."""
    text = pa.table({name: rows[name].cast(pa.string()) for name in rows.column_names})
    written = pa.BufferOutputStream()
    pyarrow.csv.write_csv(text, written)
    return hashlib.sha256(written.getvalue()).hexdigest()


def _altered(soaked: Soaked, rows: pa.Table, shared: Sequence[Identity]) -> tuple[int, str]:
    """How many rows hold something else than was written, and the hash over all rows."""
    order = [(name, "ascending") for name in soaked.identity if name is not None]
    ordered = rows.sort_by(order)
    wanted = soaked.rows(shared)
    digest = hash_of(ordered)
    if digest == hash_of(wanted):
        return 0, digest
    meant = dict(zip(shared, wanted.to_pylist(), strict=True))
    held = zip(soaked.identities(ordered), ordered.to_pylist(), strict=True)
    return sum(1 for each, row in held if each in meant and meant[each] != row), digest
