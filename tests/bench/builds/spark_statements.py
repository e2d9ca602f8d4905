"""The statements of :mod:`~.statements` in Spark's dialect, rule by rule the same.

Spark 4.1 has no QUALIFY, names other functions, and divides decimals with digits of its own
choosing, so means are divided as integers here, too.
"""

from __future__ import annotations

from collections.abc import Sequence

from tests.bench.builds.statements import sales_customers_daily

__all__ = [
    "core_orders",
    "first_orders",
    "order_summary",
    "sales_customers_daily",
    "sales_daily",
    "sales_dashboard",
    "staged_orders",
]

_SUMS = ("gross_revenue", "net_revenue", "total_discounts", "total_shipping", "total_tax")
_COUNTS = ("total_orders", "completed_orders", "cancelled_orders", "refunded_orders")


def _half_up(total: str, count: str) -> str:
    """Of two integers above zero; null where nothing was counted."""
    return f"((2 * ({total}) + ({count})) div (2 * nullif({count}, 0)))"


def _mean(total: str, count: str, *, type_: str = "decimal(18, 2)") -> str:
    """A decimal sum divided by a count, rounded half up."""
    rounded = _half_up(f"cast(({total}) * 100 as bigint)", count)
    return f"cast(cast({rounded} as decimal(18, 0)) / 100 as {type_})"


def _share(part: str, whole: str) -> str:
    """A count in relation to another, to four places, rounded half up."""
    rounded = _half_up(f"({part}) * 10000", whole)
    return f"cast(cast({rounded} as decimal(18, 0)) / 10000 as decimal(5, 4))"


def _first(columns: str, relation: str, by: str, order: str) -> str:
    """Of each ``by`` the row that comes first."""
    return f"""
    select {columns} from (
        select {columns}, row_number() over (partition by {by} order by {order}) as place
        from {relation}
    ) where place = 1
    """


def staged_orders(raw: str) -> str:
    """The latest version of each order, cleaned, identifiers hashed.

    Which rows win is found on few columns, as in DuckDB.
    """
    places = ", ".join(
        f"get_json_object({of}_address, '$.{what}') as {of}_{what}"
        for of, names in (
            ("shipping", ("country", "country_code", "province", "city")),
            ("billing", ("country", "country_code")),
        )
        for what in names
    )
    kept = ", ".join(
        (
            *("subtotal_price", "total_discounts", "total_tax", "total_price"),
            *("total_outstanding", "current_subtotal_price", "current_total_price"),
            *("current_total_tax", "financial_status", "fulfillment_status", "source_name"),
            *("referring_site", "landing_site", "created_at", "updated_at", "processed_at"),
            *("cancelled_at", "closed_at", "_event_time", "_event_id", "_loaded_at"),
        )
    )
    flags = ", ".join(
        f"coalesce({name}, false) as {name}"
        for name in ("taxes_included", "tax_exempt", "buyer_accepts_marketing")
    )
    winners = _first(
        "_partition, _offset",
        f"(select * from {raw} where _error is null and id is not null)",
        "id",
        "updated_at desc nulls last, _event_time desc nulls last, _event_id desc nulls last",
    )
    return f"""
    select id as order_id, order_number, name as order_name, customer_id,
        upper(currency) as currency,
        sha2(lower(trim(email)), 256) as customer_email_token,
        sha2(trim(phone), 256) as customer_phone_token,
        {kept}, {places}, {flags},
        coalesce(try_cast(get_json_object(
            total_shipping_price_set, '$.shop_money.amount') as decimal(18, 2)), 0)
            as total_shipping,
        case when cancelled_at is not null then 'cancelled'
             when financial_status in ('refunded', 'partially_refunded') then 'refunded'
             when financial_status = 'paid' and fulfillment_status = 'fulfilled' then 'completed'
             when financial_status = 'paid'
              and coalesce(fulfillment_status, 'partial') = 'partial' then 'processing'
             when financial_status in ('pending', 'authorized') then 'pending_payment'
             else 'open' end as order_status,
        coalesce(json_array_length(line_items), 0) as line_item_count,
        coalesce(json_array_length(discount_codes), 0) as discount_count,
        coalesce(total_discounts > 0, false) as has_discount,
        cancelled_at is not null as is_cancelled,
        coalesce(test, false) as is_test
    from {raw} semi join ({winners}) using (_partition, _offset)
    """


def core_orders(staged: str) -> str:
    """Orders that are no test."""
    kept = ", ".join(
        (
            *("order_number", "order_name", "customer_email_token", "customer_phone_token"),
            *("order_status", "financial_status", "fulfillment_status", "subtotal_price"),
            *("total_price", "total_outstanding", "line_item_count", "discount_count"),
            *("has_discount", "is_cancelled", "is_test", "taxes_included", "tax_exempt"),
            *("buyer_accepts_marketing", "shipping_country", "shipping_country_code"),
            *("shipping_city", "billing_country", "billing_country_code", "referring_site"),
            *("landing_site", "created_at", "updated_at", "processed_at", "cancelled_at"),
            *("closed_at", "_loaded_at"),
        )
    )
    return f"""
    select 'shopify_' || order_id as order_id, order_id as source_order_id, 'shopify' as source,
        sha2('shopify_customers/' || customer_id, 256) as customer_id,
        cast(customer_id as string) as source_customer_id, coalesce(currency, 'XXX') as currency,
        total_discounts as discount_amount, total_shipping as shipping_amount,
        total_tax as tax_amount, current_subtotal_price as current_subtotal,
        current_total_price as current_total, shipping_province as shipping_state,
        source_name as channel, cast(created_at as date) as order_date,
        hour(created_at) as order_hour, {kept}
    from {staged} where not is_test
    """


def first_orders(orders: str) -> str:
    """Each customer's first order that was not cancelled."""
    return _first(
        "customer_id, order_id, order_date, order_hour, created_at",
        f"(select * from {orders} where customer_id is not null and not is_cancelled)",
        "customer_id",
        "created_at, order_id",
    )


def order_summary(orders: str, firsts: str) -> str:
    """Orders by hour, currency, place and channel."""

    def by_status(*names: str) -> str:
        told = ", ".join(f"'{name}'" for name in names)
        return f"count(*) filter (where order_status in ({told}))"

    discount = "coalesce(sum(discount_amount), 0)"
    return f"""
    select o.order_date, o.order_hour, o.currency,
        coalesce(shipping_country, 'Unknown') as shipping_country,
        coalesce(shipping_country_code, 'XX') as shipping_country_code,
        coalesce(shipping_state, 'Unknown') as shipping_state,
        coalesce(channel, 'Unknown') as channel, source,
        count(*) as total_orders,
        {by_status("completed")} as completed_orders,
        {by_status("cancelled")} as cancelled_orders,
        {by_status("refunded")} as refunded_orders,
        {by_status("pending_payment", "processing", "open")} as pending_orders,
        count(distinct o.customer_id) as unique_customers,
        count(distinct f.customer_id) as new_customers,
        count(distinct o.customer_id) - count(distinct f.customer_id) as returning_customers,
        cast(coalesce(sum(total_price), 0) as decimal(18, 2)) as gross_revenue,
        cast(coalesce(sum(total_price) filter (
            where order_status not in ('cancelled', 'refunded')), 0) as decimal(18, 2))
            as net_revenue,
        cast({discount} as decimal(18, 2)) as total_discounts,
        cast(coalesce(sum(shipping_amount), 0) as decimal(18, 2)) as total_shipping,
        cast(coalesce(sum(tax_amount), 0) as decimal(18, 2)) as total_tax,
        {_mean("sum(total_price)", "count(total_price)")} as avg_order_value,
        {_mean(discount, "count(*)")} as avg_discount_per_order,
        {_mean("sum(coalesce(line_item_count, 1))", "count(*)", type_="decimal(10, 2)")}
            as avg_items_per_order,
        count(*) filter (where has_discount) as orders_with_discount,
        {_share("count(*) filter (where has_discount)", "count(*)")} as discount_rate
    from {orders} o left join {firsts} f
        on f.customer_id = o.customer_id and f.order_id = o.order_id
    group by all
    """


def sales_daily(summary: str, customers: str) -> str:
    """Sales by day and currency."""
    sums = ", ".join(
        f"cast(sum({name}) as {type_}) as {name}"
        for type_, names in (
            ("decimal(18, 2)", _SUMS),
            ("bigint", (*_COUNTS, "new_customers")),
        )
        for name in names
    )
    channels = ", ".join(
        f"coalesce(sum(total_orders) filter (where channel = '{name}'), 0) as {name}_orders"
        for name in ("web", "mobile", "pos", "api")
    )
    top = _first(
        "order_date, currency, top_country, top_country_revenue",
        f"""(
        select order_date, currency, shipping_country as top_country,
            cast(sum(gross_revenue) as decimal(18, 2)) as top_country_revenue
        from {summary} group by order_date, currency, shipping_country)""",
        "order_date, currency",
        "top_country_revenue desc, top_country",
    )
    return f"""
    with days as (
        select order_date, currency, {sums}, {channels} from {summary} group by all
    ), customers as (
        select order_date, currency, count(*) as total_customers from {customers} group by all
    ), countries as ({top})
    select days.*, coalesce(total_customers, 0) as total_customers,
        coalesce(total_customers, 0) - new_customers as returning_customers,
        top_country, top_country_revenue
    from days left join customers using (order_date, currency)
        left join countries using (order_date, currency)
    """


def sales_dashboard(days: str, as_of: str) -> str:
    """The mart: every calendar day of a currency, with means over days before."""
    zero = ", ".join(
        f"coalesce({name}, 0) as {name}"
        for name in (
            *(*_SUMS, *_COUNTS, "total_customers", "new_customers", "returning_customers"),
            *("web_orders", "mobile_orders", "pos_orders", "api_orders"),
        )
    )
    return f"""
    with calendar as (
        select currency, explode(sequence(since, date '{as_of}', interval 1 day)) as date_key
        from (select currency, min(order_date) as since from {days} group by currency)
    ), filled as (
        select c.date_key, c.currency, {zero}, top_country, top_country_revenue
        from calendar c left join {days} d
            on d.currency = c.currency and d.order_date = c.date_key
    )
    select *, dayofweek(date_key) as day_of_week,
        date_format(date_key, 'EEEE') as day_name, weekofyear(date_key) as week_of_year,
        date_format(date_key, 'yyyy-MM') as month_key,
        year(date_key) || '-Q' || quarter(date_key) as quarter_key, year(date_key) as year_key,
        dayofweek(date_key) in (1, 7) as is_weekend,
        {_mean("gross_revenue", "total_orders")} as avg_order_value,
        {_share("new_customers", "total_customers")} as new_customer_pct,
        {_over("gross_revenue", 6)} as revenue_7d_avg,
        {_over("gross_revenue", 29)} as revenue_30d_avg,
        {_over("total_orders", 6, type_="decimal(10, 2)")} as orders_7d_avg
    from filled
    """


def _over(column: str, before: int, *, type_: str = "decimal(18, 2)") -> str:
    """Mean over a day and so many days before it."""
    days = f"(partition by currency order by date_key rows {before} preceding)"
    return _mean(f"sum({column}) over {days}", f"count(*) over {days}", type_=type_)


def replaced(table: str, keys: Sequence[str], select: str, old: str, prune: str = "true") -> str:
    """MERGE so that the rows of ``table`` that match ``old`` are those of ``select`` afterwards.

    Only what differs is written: rows that came or changed, and those that are gone.

    Args:
        table: what is changed.
        keys: its unique key.
        select: rows with all columns of the table.
        old: condition on rows of the table.
        prune: condition on rows of the table as ``t`` that all of ``old`` fulfil; of literals, so
            that Iceberg skips files by it.
    """
    key = ", ".join(keys)
    return merged(
        table,
        keys,
        f"""
        select row.*, gone from (
            select coalesce(n.row, o.was) as row, n.row is null as gone
            from (select struct(*) as row, {key} from ({select})) n
            full outer join (select struct(*) as was, {key} from {table} where {old}) o
                using ({key})
            where not (n.row <=> o.was)
        )
        """,
        prune,
    )


def merged(table: str, keys: Sequence[str], source: str, prune: str = "true") -> str:
    """MERGE of rows that come or change, and of those for which ``gone`` is true."""
    same = " and ".join(f"t.{name} = s.{name}" for name in keys)
    return f"""
    merge into {table} t using ({source}) s on {same} and {prune}
    when matched and s.gone then delete
    when matched then update set *
    when not matched and not s.gone then insert *
    """
