"""Whether a table still holds the rows that it held, read by DuckDB."""

from __future__ import annotations

from dataclasses import dataclass

from shared.lake.query import query
from shared.lake.reader import LakeReader
from shared.runtime.errors import CheckFailed
from shared.runtime.settings import Settings
from shared.tables.registry import TABLES

ORDERS = TABLES["raw.shopify_orders"]


@dataclass(frozen=True, slots=True)
class Rows:
    """All rows of a table, in any order.

    Attributes:
        count: how many.
        hashes: sum of the hashes of all columns of each.
    """

    count: int
    hashes: int


def rows_of(settings: Settings, environment: str) -> Rows:
    """The rows of the orders of an environment as they are now."""
    lake = LakeReader(settings.model_copy(update={"env": environment}))
    with query(lake, f"select count(*), sum(hash(*columns(*))) from {ORDERS.name}") as result:
        ((count, hashes),) = result.rows()
    return Rows(count, int(hashes or 0))


def require_same(who: str, before: Rows, after: Rows) -> None:
    """See that a compaction moved rows and did nothing else.

    Raises:
        CheckFailed: there are other rows than before.
    """
    if after != before:
        raise CheckFailed(
            f"after {who} had compacted, {after.count} rows with hash {after.hashes} are there; "
            f"before it were {before.count} with hash {before.hashes}"
        )
