"""Keep PyIceberg from copying a table's whole metadata some twenty times per commit.

``Transaction.table_metadata`` of PyIceberg 0.12 applies all staged updates to a deep copy at each
access, so that a commit's cost grows with the number of snapshots. The value depends only on the
base metadata and the staged updates, both of which are replaced, never mutated, when they change.
"""

from __future__ import annotations

from importlib.metadata import version

from pyiceberg.table import Transaction
from pyiceberg.table.metadata import TableMetadata
from pyiceberg.table.update import update_table_metadata

SUPPORTED = "0.12."


def install() -> None:
    """Replace the property by a cached one. Does nothing for versions it was not checked on."""
    if version("pyiceberg").startswith(SUPPORTED):
        Transaction.table_metadata = property(_cached)  # type: ignore[assignment,method-assign]


def _cached(transaction: Transaction) -> TableMetadata:
    base, updates = transaction._table.metadata, transaction._updates
    known = transaction.__dict__.get("_bergline_metadata")
    if known is not None and known[0] is base and known[1] is updates:
        cached: TableMetadata = known[2]
        return cached
    current = update_table_metadata(base, updates) if updates else base
    transaction.__dict__["_bergline_metadata"] = (base, updates, current)
    return current
