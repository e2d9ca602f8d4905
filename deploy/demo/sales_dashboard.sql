-- The sales dashboard, straight from the rows of raw.shopify_orders: what the tables between them
-- must amount to. Written from the rules and not from the transformer's code.
--   raw_orders: the raw rows      $as_of: the last day of the calendar

with recursive
received as (
    select *, coalesce(_received_at, _timestamp, _loaded_at) as reached_us
    from raw_orders
    where _error is null
),
staged as (
    select *, _event_type is not distinct from 'orders/delete' as is_deletion
    from received
    where id is not null
      and coalesce(greatest(_event_time, updated_at, created_at) <= reached_us + interval 24 hours,
                   true)
      and coalesce(created_at >= timestamptz '2000-01-01 00:00:00+00',
                   _event_type is not distinct from 'orders/delete')
),
deleted as (select distinct id from staged where is_deletion),
latest as (
    select * from staged where not is_deletion
    qualify row_number() over (
        partition by id
        order by updated_at desc nulls last, _event_time desc nulls last,
                 _event_id desc nulls last, sha256(_payload) desc nulls last
    ) = 1
),
orders as (
    select
        id,
        customer_id,
        created_at,
        created_at::date as day,
        coalesce(nullif(upper(trim(currency)), ''), 'XXX') as currency,
        total_price,
        total_discounts,
        total_tax,
        case when total_shipping_price_set ->> '$.shop_money.amount' is null then 0.00
             else try_cast(total_shipping_price_set ->> '$.shop_money.amount' as decimal(18, 2))
        end as total_shipping,
        case when cancelled_at is not null then 'cancelled'
             when financial_status in ('refunded', 'partially_refunded') then 'refunded'
             when financial_status = 'paid' and fulfillment_status = 'fulfilled' then 'completed'
             else 'other'
        end as status,
        cancelled_at is not null as is_cancelled,
        source_name as channel,
        case when json_type(shipping_address, '$.country') = 'VARCHAR'
             then coalesce(nullif(trim(shipping_address ->> '$.country'), ''), 'Unknown')
             else 'Unknown'
        end as country
    from latest
    where coalesce(test, false) is false and id not in (select id from deleted)
),
first_days as (
    select
        customer_id,
        arg_min({'day': day, 'currency': currency}, (created_at, 'shopify_' || id)) as earliest
    from orders
    where customer_id is not null and not is_cancelled
    group by customer_id
),
sales as (
    select
        day,
        currency,
        sum(coalesce(total_price, 0)) as gross_revenue,
        coalesce(sum(total_price) filter (status not in ('cancelled', 'refunded')), 0)
            as net_revenue,
        sum(coalesce(total_discounts, 0)) as total_discounts,
        sum(coalesce(total_shipping, 0)) as total_shipping,
        sum(coalesce(total_tax, 0)) as total_tax,
        count(*) as total_orders,
        count(*) filter (status = 'completed') as completed_orders,
        count(*) filter (status = 'cancelled') as cancelled_orders,
        count(*) filter (status = 'refunded') as refunded_orders,
        count(distinct customer_id) as total_customers,
        count(*) filter (channel = 'web') as web_orders,
        count(*) filter (channel = 'mobile') as mobile_orders,
        count(*) filter (channel = 'pos') as pos_orders,
        count(*) filter (channel = 'api') as api_orders
    from orders
    group by day, currency
),
newcomers as (
    select earliest.day as day, earliest.currency as currency, count(*) as new_customers
    from first_days group by all
),
countries as (
    select day, currency, country, sum(coalesce(total_price, 0)) as revenue
    from orders group by all
),
top_countries as (
    select day, currency, country as top_country, revenue as top_country_revenue
    from countries
    qualify row_number() over (partition by day, currency order by revenue desc, country) = 1
),
calendar as (
    select min(day) as day, currency from sales group by currency
    having min(day) <= $as_of::date
    union all
    select (day + interval 1 day)::date, currency from calendar where day < $as_of::date
),
days as (
    select
        calendar.day as date_key,
        calendar.currency,
        * exclude (day, currency, top_country, top_country_revenue, new_customers)
            replace (
                coalesce(gross_revenue, 0) as gross_revenue,
                coalesce(net_revenue, 0) as net_revenue,
                coalesce(total_discounts, 0) as total_discounts,
                coalesce(total_shipping, 0) as total_shipping,
                coalesce(total_tax, 0) as total_tax,
                coalesce(total_orders, 0) as total_orders,
                coalesce(completed_orders, 0) as completed_orders,
                coalesce(cancelled_orders, 0) as cancelled_orders,
                coalesce(refunded_orders, 0) as refunded_orders,
                coalesce(total_customers, 0) as total_customers,
                coalesce(web_orders, 0) as web_orders,
                coalesce(mobile_orders, 0) as mobile_orders,
                coalesce(pos_orders, 0) as pos_orders,
                coalesce(api_orders, 0) as api_orders
            ),
        coalesce(new_customers, 0) as new_customers,
        top_country,
        top_country_revenue
    from calendar
    left join sales using (day, currency)
    left join newcomers using (day, currency)
    left join top_countries using (day, currency)
)
select
    date_key,
    currency,
    (dayofweek(date_key) + 1)::integer as day_of_week,
    dayname(date_key) as day_name,
    weekofyear(date_key)::integer as week_of_year,
    strftime(date_key, '%Y-%m') as month_key,
    year(date_key) || '-Q' || quarter(date_key) as quarter_key,
    year(date_key)::integer as year_key,
    dayofweek(date_key) in (0, 6) as is_weekend,
    gross_revenue::decimal(18, 2) as gross_revenue,
    net_revenue::decimal(18, 2) as net_revenue,
    total_discounts::decimal(18, 2) as total_discounts,
    total_shipping::decimal(18, 2) as total_shipping,
    total_tax::decimal(18, 2) as total_tax,
    total_orders::bigint as total_orders,
    completed_orders::bigint as completed_orders,
    cancelled_orders::bigint as cancelled_orders,
    refunded_orders::bigint as refunded_orders,
    half_up(gross_revenue, 100, total_orders, 2)::decimal(18, 2) as avg_order_value,
    total_customers::bigint as total_customers,
    new_customers::bigint as new_customers,
    (total_customers - new_customers)::bigint as returning_customers,
    half_up(new_customers, 1, total_customers, 4)::decimal(5, 4) as new_customer_pct,
    web_orders::bigint as web_orders,
    mobile_orders::bigint as mobile_orders,
    pos_orders::bigint as pos_orders,
    api_orders::bigint as api_orders,
    null::decimal(18, 2) as payment_volume,
    null::bigint as successful_payments,
    null::bigint as failed_payments,
    null::decimal(5, 4) as payment_success_rate,
    top_country,
    top_country_revenue::decimal(18, 2) as top_country_revenue,
    half_up(sum(gross_revenue) over week, 100, count(*) over week, 2)::decimal(18, 2)
        as revenue_7d_avg,
    half_up(sum(gross_revenue) over month, 100, count(*) over month, 2)::decimal(18, 2)
        as revenue_30d_avg,
    half_up(sum(total_orders) over week, 1, count(*) over week, 2)::decimal(10, 2)
        as orders_7d_avg
from days
window
    week as (partition by currency order by date_key
             range between interval 6 days preceding and current row),
    month as (partition by currency order by date_key
              range between interval 29 days preceding and current row)
order by currency, date_key
