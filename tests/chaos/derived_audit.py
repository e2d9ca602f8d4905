"""The audit of derived tables: is each what its inputs amount to, built once and forwards? Pure.

As in :mod:`tests.chaos.audit`, each rule is a query for what breaks it. The rows themselves are
compared with SQL over the raw rows by :mod:`deploy.demo.recomputation`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import duckdb
import pyarrow as pa

from tests.chaos.audit import Violation, violation


@dataclass(frozen=True, slots=True)
class DerivedEvidence:
    """What the witnesses say, as Arrow tables.

    Attributes:
        builds: per snapshot seen on a main branch ``table_name, sequence, snapshot_id, parent_id,
            commit_id, operation, as_of, committed_ms``.
        complete: per snapshot ``table_name, sequence, topic, partition, next``.
        cuts: per snapshot and input ``table_name, sequence, source, uuid, source_sequence``.
        ends: per table and partition of its topics ``table_name, topic, partition, log_end``.
        deleted: per row of a live position delete file ``table_name, file_path, pos``.
        comparisons: per table ``table_name, rows, expected, missing, unasked, example``.
        announcements: ``table_name, sequence, snapshot_id``.
    """

    builds: pa.Table
    complete: pa.Table
    cuts: pa.Table
    ends: pa.Table
    deleted: pa.Table
    comparisons: pa.Table
    announcements: pa.Table


_VIEWS: Mapping[str, str] = MappingProxyType(
    {
        "heads": "select table_name, max(sequence) as sequence from builds group by all",
        "steps": """
            select *, lag(sequence) over history as before, lag(snapshot_id) over history
                as snapshot_before
            from builds window history as (partition by table_name order by sequence)
        """,
    }
)

RULES: Mapping[str, str] = MappingProxyType(
    {
        "a derived table was built and compared": """
            select distinct table_name from ends anti join builds using (table_name)
            union all
            select distinct table_name from ends anti join comparisons using (table_name)
        """,
        "a derived table is complete up to the log ends": """
            with reached as (select * from complete join heads using (table_name, sequence))
            select table_name, topic, partition, next, log_end
            from ends left join reached using (table_name, topic, partition)
            where log_end > 0 and next is distinct from log_end
        """,
        "a derived table is what SQL makes of the raw rows": """
            select * from comparisons where missing > 0 or unasked > 0
        """,
        "what a table is complete up to never goes back": """
            select steps.table_name, steps.sequence, was.topic, was.partition,
                   was.next as was, became.next as became
            from steps
            join complete as was
                on was.table_name = steps.table_name and was.sequence = steps.before
            left join complete as became
                on became.table_name = steps.table_name and became.sequence = steps.sequence
               and became.topic = was.topic and became.partition = was.partition
            where became.next is null or became.next < was.next
        """,
        "an input is never read at an older cut than before": """
            select steps.table_name, steps.sequence, was.source,
                   was.source_sequence as was, became.source_sequence as became
            from steps
            join cuts as was on was.table_name = steps.table_name and was.sequence = steps.before
            left join cuts as became
                on became.table_name = steps.table_name and became.sequence = steps.sequence
               and became.source = was.source and became.uuid = was.uuid
            where became.source_sequence is null or became.source_sequence < was.source_sequence
        """,
        "a build is committed once": """
            select table_name, commit_id, count(*) as commits from builds
            group by all having count(*) > 1
        """,
        "no two builds brought a table to the same place": """
            with places as (
                select table_name, sequence,
                       list(source || '@' || source_sequence order by source) as place
                from cuts group by table_name, sequence
            )
            select table_name, place, as_of, count(*) as builds
            from places join builds using (table_name, sequence)
            where operation <> 'replace'
            group by table_name, place, as_of having count(*) > 1
        """,
        "a replace carries what the build before records": """
            with replaced as (
                select * from steps where operation = 'replace' and before = sequence - 1
            ),
            said as (
                select table_name, sequence, topic || '/' || partition as what, next as value
                from complete
                union all select table_name, sequence, source || ' ' || uuid, source_sequence
                from cuts
            ),
            carried as (
                select said.* from replaced join said using (table_name, sequence)
            ),
            recorded as (
                select said.table_name, replaced.sequence, what, value from replaced
                join said on said.table_name = replaced.table_name
                    and said.sequence = replaced.before
            )
            (select * from carried except select * from recorded)
            union all (select * from recorded except select * from carried)
        """,
        "a build stands on the one before": """
            select table_name, sequence, parent_id, snapshot_before from steps
            where before = sequence - 1 and parent_id is distinct from snapshot_before
        """,
        "a row is deleted once": """
            select table_name, file_path, pos, count(*) as times from deleted
            group by all having count(*) > 1
        """,
        "a build is announced": """
            select builds.table_name, builds.sequence from builds
            anti join announcements using (table_name, sequence, snapshot_id)
        """,
    }
)
"""What must hold → the query for what breaks it."""


def audit(evidence: DerivedEvidence) -> list[Violation]:
    """Every rule that does not hold."""
    with duckdb.connect() as sql:
        for name in DerivedEvidence.__dataclass_fields__:
            sql.register(name, getattr(evidence, name))
        for name, query in _VIEWS.items():
            sql.execute(f"create view {name} as {query}")
        found = [violation(sql, rule, query) for rule, query in RULES.items()]
    return [each for each in found if each is not None]
