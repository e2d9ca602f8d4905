"""The audit of maintenance: files moved and removed, and nobody's row or file with them. Pure.

As in :mod:`tests.chaos.audit`, each rule is a query for what breaks it. That positions,
completeness and counts of rows stay as they were is said there and in
:mod:`tests.chaos.derived_audit`, of every snapshot seen; here is what lies in the store.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import duckdb
import pyarrow as pa

from tests.chaos.audit import Violation, violation

GRACE_MS = 15_000
"""A request that was under way in an outage may wait so much longer for its answer."""


@dataclass(frozen=True, slots=True)
class MaintenanceEvidence:
    """What the witnesses say, as Arrow tables.

    Attributes:
        named: per snapshot that was retained before and after the store was listed, and file that
            it names ``table_name, snapshot_id, kind, path``.
        stored: per object below a table's location ``table_name, path, bytes``.
        versions: per ``replace`` snapshot that was read, and per parent of one, ``table_name,
            snapshot_id, parent_id, operation, rows, digest, recorded``.
        failures: per job that failed ``table_name, job, worker, began_ms, ended_ms, error_type,
            error``.
        jobs: per job that ended ``table_name, job, status, worker, ended_ms``.
        outages: per time in which a process was hurt or not well ``name, began_ms, ended_ms``.
    """

    named: pa.Table
    stored: pa.Table
    versions: pa.Table
    failures: pa.Table
    jobs: pa.Table
    outages: pa.Table


RULES: Mapping[str, str] = MappingProxyType(
    {
        "what a retained snapshot names is in the store": """
            select named.table_name, kind, named.path, count(*) as snapshots
            from named anti join stored using (path) group by all
        """,
        "a replace holds the rows of its parent": """
            select here.table_name, here.snapshot_id, was.rows as was, here.rows as became
            from versions as here join versions as was
                on was.table_name = here.table_name and was.snapshot_id = here.parent_id
            where here.operation = 'replace'
              and (here.rows <> was.rows or here.digest is distinct from was.digest)
        """,
        "a replace records what its parent records": """
            select here.table_name, here.snapshot_id, was.recorded as was, here.recorded as became
            from versions as here join versions as was
                on was.table_name = here.table_name and was.snapshot_id = here.parent_id
            where here.operation = 'replace' and here.recorded is distinct from was.recorded
        """,
        "maintenance fails only where a fault explains it": f"""
            select * from failures where error_type not in ('Unavailable', 'Undeleted')
               or not exists (
                   select 1 from outages
                   where (name = 'storage' or name like 'maintainer%')
                     and outages.began_ms <= failures.ended_ms
                     and outages.ended_ms + {GRACE_MS} >= failures.began_ms
               )
        """,
        "small files were put together": """
            select 'no compaction succeeded' as what where not exists (
                select 1 from jobs where job = 'compact' and status = 'succeeded'
            )
        """,
    }
)
"""What must hold → the query for what breaks it."""


def audit(evidence: MaintenanceEvidence) -> list[Violation]:
    """Every rule that does not hold."""
    with duckdb.connect() as sql:
        for name in MaintenanceEvidence.__dataclass_fields__:
            sql.register(name, getattr(evidence, name))
        found = [violation(sql, rule, query) for rule, query in RULES.items()]
    return [each for each in found if each is not None]
