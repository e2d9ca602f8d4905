"""What must hold beside the rules of all chaos: order. Pure.

A sender that had the answer to one webhook before it sent the next one about the same thing finds
them in that order. Of webhooks that were under way together none was first; of one that was tried
again the attempt that was answered 2xx counts, which the row's delivery id tells; where a row is
repeated its first place does.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import duckdb

from tests.chaos.audit import Evidence, Violation, violation

_PLACED = """
select instance, ledger.topic, key, delivery_id, ledger.event_id, sent_at, answered_at, partition,
       "offset" as place
from ledger join rows using (delivery_id) where accepted
qualify row_number() over (partition by delivery_id order by replayed, "offset") = 1
"""

RULES: Mapping[str, str] = MappingProxyType(
    {
        "what was sent after an answer lies behind it": """
            select instance, topic, key, event_id, place, answered_at, sent_before
            from (
                select *, max(sent_at) over (
                    partition by instance, topic, key, partition order by place
                    rows between unbounded preceding and 1 preceding
                ) as sent_before
                from placed
            )
            where sent_before > answered_at
        """,
        "a key is in one partition": """
            select topic, key, count(distinct partition) as partitions from placed
            group by all having count(distinct partition) > 1
        """,
    }
)

_PAIRS = """
select count(*) filter (before_it < sent_at)
from (
    select sent_at, min(answered_at) over (
        partition by instance, topic, key order by sent_at
        rows between unbounded preceding and 1 preceding
    ) as before_it
    from placed
)
"""


def audit_order(evidence: Evidence) -> list[Violation]:
    """Every rule that does not hold.

    Args:
        evidence: its ledger has ``instance``, ``key``, ``sent_at`` and ``answered_at`` (seconds of
            one clock, of the attempt that was accepted) as well.
    """
    with _over(evidence) as sql:
        found = [violation(sql, rule, query) for rule, query in RULES.items()]
    return [each for each in found if each is not None]


def ordered(evidence: Evidence) -> int:
    """How many webhooks were sent after the answer to another one about the same thing."""
    with _over(evidence) as sql:
        row = sql.execute(_PAIRS).fetchone()
    return int(row[0]) if row else 0


def _over(evidence: Evidence) -> duckdb.DuckDBPyConnection:
    sql = duckdb.connect()
    sql.register("ledger", evidence.ledger)
    sql.register("rows", evidence.rows)
    sql.execute(f"create view placed as {_PLACED}")
    return sql
