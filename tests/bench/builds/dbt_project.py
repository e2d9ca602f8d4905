"""The chain as a dbt project for DuckDB: the statements of the hand, incremental as dbt does it.

A model keeps up to where it has seen its input (``_seen``, the newest load time) and, when it runs
again, computes what is newer and replaces rows by unique key. Where a key can vanish, a hook
deletes it first: without that dbt leaves the row, and the mart would be wrong.
"""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

from tests.bench.builds import statements as sql
from tests.bench.builds.agreement import mart_rows

DATABASE = "tables.duckdb"

_SINCE = """
{%- set since = "1970-01-01" -%}
{%- if execute and is_incremental() -%}
{%- set since = run_query("select max(WATERMARK)::varchar from " ~ this).columns[0].values()[0] -%}
{%- endif -%}
"""
"""A literal, so that DuckDB skips files and row groups by it."""

_SEEN = "(select max(_loaded_at) from {{ ref('orders') }}) as _seen"
_NEWER_ORDERS = "(from {{ ref('orders') }} where _loaded_at > timestamptz '{{ since }}')"
_NEWER_IN_HOOK = "_loaded_at > (select max(_seen) from {{ this }})"


def write_project(directory: Path, raw: Path, as_of: date) -> None:
    """Write project, profile and models.

    Args:
        directory: where.
        raw: directory with the Parquet files of raw.
        as_of: business date of the mart.
    """
    models = directory / "models"
    models.mkdir(parents=True)
    for name, text in _models(raw, as_of).items():
        (models / f"{name}.sql").write_text(text)
    (directory / "mart_rows.sql").write_text(mart_rows("mart"))
    project = {
        "name": "sales",
        "version": "1.0",
        "profile": "sales",
        "model-paths": ["models"],
        "flags": {"send_anonymous_usage_stats": False},
    }
    target = {
        "type": "duckdb",
        "path": str(directory / DATABASE),
        "threads": 1,
        "settings": {"TimeZone": "UTC", "preserve_insertion_order": False},
    }
    # JSON is YAML.
    (directory / "dbt_project.yml").write_text(json.dumps(project))
    profiles = {"sales": {"target": "local", "outputs": {"local": target}}}
    (directory / "profiles.yml").write_text(json.dumps(profiles))


def _models(raw: Path, as_of: date) -> dict[str, str]:
    landed = f"read_parquet('{raw}/*.parquet')"
    newer = f"(from {landed} where _loaded_at > timestamptz '{{{{ since }}}}')"
    buyers = (
        "(from {{ ref('orders') }} where customer_id in "
        f"(select customer_id from {_NEWER_ORDERS}))"
    )
    hours = "(order_date, order_hour) in (" + _touched("timestamptz '{{ since }}'") + ")"
    summary = sql.order_summary(
        f"(from {{{{ ref('orders') }}}} where {hours})", "{{ ref('firsts') }}"
    )
    visits = "(order_date, currency, customer_id)"
    days = (
        "order_date in (select order_date from {{ ref('summary') }} "
        "where _seen > timestamptz '{{ since }}')"
    )
    # An order that was cancelled may have been its customer's only one.
    vanished = (
        "{% if is_incremental() %}delete from {{ this }} where customer_id in "
        f"(select customer_id from {{{{ ref('orders') }}}} where {_NEWER_IN_HOOK}){{% endif %}}"
    )
    emptied = (
        "{% if is_incremental() %}delete from {{ this }} where (order_date, order_hour) in ("
        + _touched("(select max(_seen) from {{ this }})")
        + "){% endif %}"
    )
    return {
        "staged": _incremental("_loaded_at", "'order_id'") + sql.staged_orders(newer),
        "orders": _incremental("_loaded_at", "'order_id'")
        + sql.core_orders(
            "(from {{ ref('staged') }} where _loaded_at > timestamptz '{{ since }}')"
        ),
        "firsts": _incremental("_seen", "'customer_id'", vanished)
        + _with_seen(sql.first_orders(buyers)),
        "summary": _incremental("_seen", "['order_date', 'order_hour']", emptied)
        + _with_seen(summary),
        "customers": _incremental("_seen", "['order_date', 'currency', 'customer_id']")
        + _with_seen(
            sql.sales_customers_daily(
                f"(from {{{{ ref('orders') }}}} where {visits} in "
                f"(select {visits} from {_NEWER_ORDERS}))"
            )
        ),
        "days": _incremental("_seen", "['order_date', 'currency']")
        + _with_seen(
            sql.sales_daily(
                f"(from {{{{ ref('summary') }}}} where {days})",
                f"(from {{{{ ref('customers') }}}} where {days})",
            )
        ),
        "mart": "{{ config(materialized='table') }}\n"
        + sql.sales_dashboard("{{ ref('days') }}", as_of.isoformat()),
    }


def _touched(since: str) -> str:
    """Hours with orders or first orders that are newer."""
    return (
        "select (order_date, order_hour) from {{ ref('orders') }} "
        f"where _loaded_at > {since} union all "
        "select (order_date, order_hour) from {{ ref('firsts') }} "
        f"where _seen > {since}"
    )


def _with_seen(select: str) -> str:
    return f"select *, {_SEEN} from ({select})"


def _incremental(watermark: str, key: str, hook: str | None = None) -> str:
    hooked = "" if hook is None else f', pre_hook="{hook}"'
    head = (
        "{{ config(materialized='incremental', incremental_strategy='delete+insert', "
        f"unique_key={key}{hooked}) }}}}\n"
    )
    return head + _SINCE.replace("WATERMARK", watermark)
