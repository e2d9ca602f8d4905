-- Orders by hour, currency, place and channel.
select
    order_date,
    hour(created_at)::integer as order_hour,
    coalesce(shipping_country, 'Unknown') as shipping_country,
    coalesce(shipping_country_code, 'XX') as shipping_country_code,
    coalesce(shipping_state, 'Unknown') as shipping_state,
    coalesce(channel, 'Unknown') as channel,
    source,
    currency,
    count(*) as total_orders,
    count(*) filter (order_status = 'completed') as completed_orders,
    count(*) filter (order_status = 'cancelled') as cancelled_orders,
    count(*) filter (order_status = 'refunded') as refunded_orders,
    count(*) filter (order_status in ('pending_payment', 'processing', 'open')) as pending_orders,
    count(distinct customer_id) as unique_customers,
    count(*) filter (order_id in (select order_id from core.first_orders)) as new_customers,
    unique_customers - new_customers as returning_customers,
    coalesce(sum(total_price), 0)::decimal(18, 2) as gross_revenue,
    coalesce(sum(total_price) filter (order_status not in ('cancelled', 'refunded')), 0)
        ::decimal(18, 2) as net_revenue,
    coalesce(sum(discount_amount), 0)::decimal(18, 2) as total_discounts,
    coalesce(sum(shipping_amount), 0)::decimal(18, 2) as total_shipping,
    coalesce(sum(tax_amount), 0)::decimal(18, 2) as total_tax,
    (half_up(cents(sum(total_price)), count(total_price)) * 0.01)::decimal(18, 2)
        as avg_order_value,
    (half_up(cents(coalesce(sum(discount_amount), 0)), count(*)) * 0.01)::decimal(18, 2)
        as avg_discount_per_order,
    (half_up(sum(coalesce(line_item_count, 1)) * 100, count(*)) * 0.01)::decimal(10, 2)
        as avg_items_per_order,
    count(*) filter (has_discount) as orders_with_discount,
    (half_up(orders_with_discount * 10000, count(*)) * 0.0001)::decimal(5, 4) as discount_rate,
    order_date::varchar as _partition_key
from core.orders
group by all
