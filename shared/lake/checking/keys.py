"""Rows as SQL reads them: is the declared key unique, and are there as many rows as files say?"""

from __future__ import annotations

from shared.lake.checking.findings import Check, abridged, wrong
from shared.lake.query import Pin, query
from shared.lake.reader import LakeReader
from shared.tables.spec import TableSpec

_SHOWN = 3

_COUNT = """
select coalesce(sum(n), 0)::bigint, count(*), count(*) filter (n > 1)
from (select count(*) as n from {table} group by {key})
"""
_REPEATED = """
select {key}, count(*) as n from {table} group by {key} having count(*) > 1
order by n desc, {key} limit {limit}
"""


def check_key(lake: LakeReader, spec: TableSpec, snapshot_id: int, stated_rows: int) -> Check:
    """Whether no two rows have one key, and DuckDB finds as many rows as the files state.

    Args:
        lake: where the tables are.
        spec: a derived table.
        snapshot_id: the version to look at.
        stated_rows: rows of its data files without those that its deletes name.

    Raises:
        NotFound, Unavailable, Refused: as :func:`shared.lake.query.query`.
    """
    if spec.derived is None:
        raise ValueError(f"{spec.name} declares no key")
    key = ", ".join(f'"{column}"' for column in spec.derived.key)
    pins = {spec.name: Pin(snapshot_id=snapshot_id)}
    with query(lake, _COUNT.format(table=spec.name, key=key), pins=pins) as result:
        [(rows, keys, repeated)] = result.rows()
    findings = []
    if rows != stated_rows:
        findings.append(wrong(f"{rows} rows are read, the files state {stated_rows}"))
    if repeated:
        sql = _REPEATED.format(table=spec.name, key=key, limit=_SHOWN + 1)
        with query(lake, sql, pins=pins) as result:
            shown = [
                "(" + ", ".join("null" if v is None else str(v) for v in values) + f") {n} times"
                for *values, n in result.rows()
            ]
        findings.append(wrong(f"{repeated} keys stand in several rows: {abridged(shown, _SHOWN)}"))
    named = ", ".join(spec.derived.key)
    return Check("key", f"{rows} rows, {keys} keys ({named})", tuple(findings))
