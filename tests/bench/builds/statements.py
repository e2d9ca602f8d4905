"""The tables of the chain as SQL, for DuckDB: one SELECT each, whoever runs it.

A statement names the relations that it reads, so that the same text computes a whole table or the
groups that a change has touched.
"""

from __future__ import annotations

_HALF_UP = "(2 * ({sum}) + {count}) // (2 * {count})"
"""Of two integers above zero. DuckDB divides decimals as floating-point numbers."""


def _mean(total: str, count: str, *, scale: int = 100, type_: str = "decimal(18, 2)") -> str:
    """A decimal sum divided by a count, rounded half up; null where nothing was counted."""
    units = f"({total})::decimal(18, 2) * {scale}"
    rounded = _HALF_UP.format(sum=f"({units})::hugeint", count=f"nullif({count}, 0)::hugeint")
    return f"(({rounded})::decimal(18, 0) / {scale})::{type_}"


def _share(part: str, whole: str) -> str:
    """A count in relation to another, to four places, rounded half up."""
    rounded = _HALF_UP.format(
        sum=f"({part})::hugeint * 10000", count=f"nullif({whole}, 0)::hugeint"
    )
    return f"(({rounded})::decimal(18, 0) / 10000)::decimal(5, 4)"


def staged_orders(raw: str) -> str:
    """The latest version of each order, cleaned, identifiers hashed.

    Which rows win is found on few columns: a window over all of them costs twice as much.
    """
    place = "json_extract_string({of}_address, '$.{what}')"
    places = ", ".join(
        f"{place.format(of=of, what=what)} as {of}_{what}"
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
    return f"""
    select id as order_id, order_number, name as order_name, customer_id,
        upper(currency) as currency,
        sha256(lower(trim(email))) as customer_email_token,
        sha256(trim(phone)) as customer_phone_token,
        {kept}, {places}, {flags},
        coalesce(try_cast(json_extract_string(
            total_shipping_price_set, '$.shop_money.amount') as decimal(18, 2)), 0)
            as total_shipping,
        case when cancelled_at is not null then 'cancelled'
             when financial_status in ('refunded', 'partially_refunded') then 'refunded'
             when financial_status = 'paid' and fulfillment_status = 'fulfilled' then 'completed'
             when financial_status = 'paid'
              and coalesce(fulfillment_status, 'partial') = 'partial' then 'processing'
             when financial_status in ('pending', 'authorized') then 'pending_payment'
             else 'open' end as order_status,
        coalesce(json_array_length(line_items), 0)::int as line_item_count,
        coalesce(json_array_length(discount_codes), 0)::int as discount_count,
        coalesce(total_discounts > 0, false) as has_discount,
        cancelled_at is not null as is_cancelled,
        coalesce(test, false) as is_test
    from {raw} semi join (
        select _partition, _offset from {raw} where _error is null and id is not null
        qualify row_number() over (partition by id order by updated_at desc nulls last,
            _event_time desc nulls last, _event_id desc nulls last) = 1
    ) using (_partition, _offset)
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
        sha256('shopify_customers/' || customer_id) as customer_id,
        customer_id::varchar as source_customer_id, coalesce(currency, 'XXX') as currency,
        total_discounts as discount_amount, total_shipping as shipping_amount,
        total_tax as tax_amount, current_subtotal_price as current_subtotal,
        current_total_price as current_total, shipping_province as shipping_state,
        source_name as channel, created_at::date as order_date,
        hour(created_at)::int as order_hour, {kept}
    from {staged} where not is_test
    """


def first_orders(orders: str) -> str:
    """Each customer's first order that was not cancelled."""
    return f"""
    select customer_id, order_id, order_date, order_hour, created_at
    from {orders} where customer_id is not null and not is_cancelled
    qualify row_number() over (partition by customer_id order by created_at, order_id) = 1
    """


def order_summary(orders: str, firsts: str) -> str:
    """Orders by hour, currency, place and channel."""

    def by_status(*names: str) -> str:
        told = ", ".join(f"'{name}'" for name in names)
        return f"count(*) filter (order_status in ({told}))"

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
        coalesce(sum(total_price), 0)::decimal(18, 2) as gross_revenue,
        coalesce(sum(total_price) filter (order_status not in ('cancelled', 'refunded')), 0)
            ::decimal(18, 2) as net_revenue,
        {discount}::decimal(18, 2) as total_discounts,
        coalesce(sum(shipping_amount), 0)::decimal(18, 2) as total_shipping,
        coalesce(sum(tax_amount), 0)::decimal(18, 2) as total_tax,
        {_mean("sum(total_price)", "count(total_price)")} as avg_order_value,
        {_mean(discount, "count(*)")} as avg_discount_per_order,
        {_mean("sum(coalesce(line_item_count, 1))", "count(*)", type_="decimal(10, 2)")}
            as avg_items_per_order,
        count(*) filter (has_discount) as orders_with_discount,
        {_share("count(*) filter (has_discount)", "count(*)")} as discount_rate
    from {orders} o left join {firsts} f
        on f.customer_id = o.customer_id and f.order_id = o.order_id
    group by all
    """


def sales_customers_daily(orders: str) -> str:
    """Who ordered on a day."""
    return f"""
    select order_date, currency, customer_id, count(*) as total_orders
    from {orders} where customer_id is not null group by all
    """


def sales_daily(summary: str, customers: str) -> str:
    """Sales by day and currency."""
    sums = ", ".join(
        f"sum({name})::{type_} as {name}"
        for type_, names in (
            (
                "decimal(18, 2)",
                "gross_revenue net_revenue total_discounts total_shipping total_tax",
            ),
            (
                "bigint",
                "total_orders completed_orders cancelled_orders refunded_orders new_customers",
            ),
        )
        for name in names.split()
    )
    channels = ", ".join(
        f"coalesce(sum(total_orders) filter (channel = '{name}'), 0)::bigint as {name}_orders"
        for name in ("web", "mobile", "pos", "api")
    )
    return f"""
    with days as (
        select order_date, currency, {sums}, {channels} from {summary} group by all
    ), customers as (
        select order_date, currency, count(*) as total_customers from {customers} group by all
    ), countries as (
        select order_date, currency, shipping_country as top_country,
            sum(gross_revenue)::decimal(18, 2) as top_country_revenue
        from {summary} group by order_date, currency, shipping_country
        qualify row_number() over (partition by order_date, currency
            order by top_country_revenue desc, top_country) = 1
    )
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
            *("gross_revenue", "net_revenue", "total_discounts", "total_shipping", "total_tax"),
            *("total_orders", "completed_orders", "cancelled_orders", "refunded_orders"),
            *("total_customers", "new_customers", "returning_customers"),
            *("web_orders", "mobile_orders", "pos_orders", "api_orders"),
        )
    )
    week = "(partition by currency order by date_key rows 6 preceding)"
    month = "(partition by currency order by date_key rows 29 preceding)"
    revenue_week = _mean(f"sum(gross_revenue) over {week}", f"count(*) over {week}")
    revenue_month = _mean(f"sum(gross_revenue) over {month}", f"count(*) over {month}")
    orders_week = _mean(
        f"sum(total_orders) over {week}", f"count(*) over {week}", type_="decimal(10, 2)"
    )
    return f"""
    with calendar as (
        select currency, unnest(generate_series(
            min(order_date), date '{as_of}', interval 1 day))::date as date_key
        from {days} group by currency
    ), filled as (
        select c.date_key, c.currency, {zero}, top_country, top_country_revenue
        from calendar c left join {days} d
            on d.currency = c.currency and d.order_date = c.date_key
    )
    select *, dayofweek(date_key)::int + 1 as day_of_week,
        dayname(date_key) as day_name, weekofyear(date_key)::int as week_of_year,
        strftime(date_key, '%Y-%m') as month_key,
        year(date_key) || '-Q' || quarter(date_key) as quarter_key, year(date_key) as year_key,
        dayofweek(date_key) in (0, 6) as is_weekend,
        {_mean("gross_revenue", "total_orders")} as avg_order_value,
        {_share("new_customers", "total_customers")} as new_customer_pct,
        {revenue_week} as revenue_7d_avg, {revenue_month} as revenue_30d_avg,
        {orders_week} as orders_7d_avg
    from filled
    """
