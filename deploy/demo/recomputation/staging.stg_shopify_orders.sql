-- The latest version of each order; a deletion is a date on it, and never a version.
with staged as (
    select
        *,
        sha256(_payload) as payload_sha256,
        _event_type is not distinct from 'orders/delete' as is_deletion
    from raw.shopify_orders
    anti join staging.stg_shopify_orders_rejected using (_topic, _partition, _offset)
    where _error is null
),
known as (
    select
        id,
        min(_loaded_at) as _loaded_at,
        max(coalesce(_event_time, _received_at, _timestamp, _loaded_at))
            filter (is_deletion) as deleted_at
    from staged
    group by id
),
latest as (
    select * exclude (_loaded_at) from staged
    where not is_deletion
    qualify row_number() over (
        partition by id
        order by updated_at desc nulls last, _event_time desc nulls last,
                 _event_id desc nulls last, payload_sha256 desc nulls last
    ) = 1
)
select
    known.id as order_id,
    order_number,
    customer_id,
    name as order_name,
    upper(trim(currency)) as currency,
    subtotal_price,
    total_discounts,
    total_tax,
    total_price,
    total_outstanding,
    current_subtotal_price,
    current_total_price,
    current_total_tax,
    case when latest.id is null then null
         when total_shipping_price_set ->> '$.shop_money.amount' is null then 0.00
         else try_cast(total_shipping_price_set ->> '$.shop_money.amount' as decimal(18, 2))
    end as total_shipping,
    financial_status,
    fulfillment_status,
    case when latest.id is null then null
         when cancelled_at is not null then 'cancelled'
         when financial_status in ('refunded', 'partially_refunded') then 'refunded'
         when financial_status = 'paid' and fulfillment_status = 'fulfilled' then 'completed'
         when financial_status = 'paid' and coalesce(fulfillment_status, 'partial') = 'partial'
              then 'processing'
         when financial_status in ('pending', 'authorized') then 'pending_payment'
         else 'open'
    end as order_status,
    if(latest.id is null, null, elements(line_items)) as line_item_count,
    if(latest.id is null, null, elements(discount_codes)) as discount_count,
    if(latest.id is null, null, coalesce(total_discounts > 0, false)) as has_discount,
    if(latest.id is null, null, cancelled_at is not null) as is_cancelled,
    if(latest.id is null, null, coalesce(test, false)) as is_test,
    if(latest.id is null, null, coalesce(taxes_included, false)) as taxes_included,
    if(latest.id is null, null, coalesce(tax_exempt, false)) as tax_exempt,
    if(latest.id is null, null, coalesce(buyer_accepts_marketing, false))
        as buyer_accepts_marketing,
    member(shipping_address, 'country') as shipping_country,
    member(shipping_address, 'country_code') as shipping_country_code,
    member(shipping_address, 'province') as shipping_province,
    member(shipping_address, 'city') as shipping_city,
    member(billing_address, 'country') as billing_country,
    member(billing_address, 'country_code') as billing_country_code,
    source_name,
    referring_site,
    landing_site,
    created_at,
    updated_at,
    processed_at,
    cancelled_at,
    closed_at,
    known.deleted_at,
    latest.id as _raw_id,
    _event_type as _webhook_topic,
    _event_time,
    _event_id,
    payload_sha256 as _payload_sha256,
    known._loaded_at
from known left join latest using (id)
