-- Sales by day and currency, from the orders themselves.
with sales as (
    select
        order_date,
        currency,
        coalesce(sum(total_price), 0)::decimal(18, 2) as gross_revenue,
        coalesce(sum(total_price) filter (order_status not in ('cancelled', 'refunded')), 0)
            ::decimal(18, 2) as net_revenue,
        coalesce(sum(discount_amount), 0)::decimal(18, 2) as total_discounts,
        coalesce(sum(shipping_amount), 0)::decimal(18, 2) as total_shipping,
        coalesce(sum(tax_amount), 0)::decimal(18, 2) as total_tax,
        count(*) as total_orders,
        count(*) filter (order_status = 'completed') as completed_orders,
        count(*) filter (order_status = 'cancelled') as cancelled_orders,
        count(*) filter (order_status = 'refunded') as refunded_orders,
        count(distinct customer_id) as total_customers,
        count(*) filter (order_id in (select order_id from core.first_orders)) as new_customers,
        greatest(total_customers - new_customers, 0) as returning_customers,
        count(*) filter (channel = 'web') as web_orders,
        count(*) filter (channel = 'mobile') as mobile_orders,
        count(*) filter (channel = 'pos') as pos_orders,
        count(*) filter (channel = 'api') as api_orders
    from core.orders
    group by order_date, currency
),
countries as (
    select
        order_date,
        currency,
        coalesce(shipping_country, 'Unknown') as top_country,
        coalesce(sum(total_price), 0)::decimal(18, 2) as top_country_revenue
    from core.orders
    group by order_date, currency, coalesce(shipping_country, 'Unknown')
    qualify row_number() over (
        partition by order_date, currency order by top_country_revenue desc, top_country
    ) = 1
)
select * from sales join countries using (order_date, currency)
