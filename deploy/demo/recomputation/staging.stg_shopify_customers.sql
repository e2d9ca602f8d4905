-- The latest version of each customer. A deletion is a date on it; of a redacted customer nothing
-- is left but the dates.
with staged as (
    select
        *,
        sha256(_payload) as payload_sha256,
        coalesce(_event_type, '') as event,
        if(event = 'customers/redact', redacted_customer_id, id) as who,
        coalesce(_received_at, _timestamp, _loaded_at) as reached_at,
        coalesce(_event_time, reached_at) as happened_at
    from raw.shopify_customers
    anti join staging.stg_shopify_customers_rejected using (_topic, _partition, _offset)
    where _error is null
      and coalesce(_event_type, '') not in ('customers/data_request', 'shop/redact')
),
known as (
    select
        who,
        min(_loaded_at) as _loaded_at,
        min(reached_at) as _first_received_at,
        max(happened_at) filter (event = 'customers/delete') as deleted_at,
        max(happened_at) filter (event = 'customers/redact') as redacted_at
    from staged
    group by who
),
latest as (
    select * exclude (_loaded_at) from staged
    where event not in ('customers/delete', 'customers/redact')
      and who not in (select who from known where redacted_at is not null)
    qualify row_number() over (
        partition by who
        order by updated_at desc nulls last, _event_time desc nulls last,
                 _event_id desc nulls last, payload_sha256 desc nulls last
    ) = 1
)
select
    known.who as customer_id,
    member(default_address, 'city') as city,
    member(default_address, 'province') as province,
    member(default_address, 'province_code') as province_code,
    member(default_address, 'country') as country,
    member(default_address, 'country_code') as country_code,
    member(default_address, 'zip') as zip,
    upper(trim(currency)) as currency,
    total_spent,
    orders_count,
    case when latest.who is null then null
         when coalesce(orders_count, 0) <= 0 then 0
         else half_up(cents(total_spent), orders_count) * 0.01
    end::decimal(18, 2) as avg_order_value,
    case when latest.who is null then null
         when total_spent >= 1000 then 'vip'
         when total_spent >= 500 then 'gold'
         when total_spent >= 100 then 'silver'
         when total_spent > 0 then 'bronze'
         else 'new'
    end as customer_tier,
    if(latest.who is null, null, coalesce(accepts_marketing, false)) as accepts_marketing,
    if(latest.who is null, null, coalesce(verified_email, false)) as verified_email,
    if(latest.who is null, null, coalesce(tax_exempt, false)) as tax_exempt,
    marketing_opt_in_level,
    state,
    note,
    tags,
    accepts_marketing_updated_at,
    if(latest.who is null, null, coalesce(state = 'enabled', false)) as is_active,
    case when latest.who is null then null
         when elements(addresses) > 0 then elements(addresses)
         else coalesce(json_type(default_address) = 'OBJECT', false)::integer
    end as address_count,
    created_at,
    updated_at,
    known.deleted_at,
    known.redacted_at,
    latest.id as _raw_id,
    _event_type as _webhook_topic,
    _event_time,
    _event_id,
    payload_sha256 as _payload_sha256,
    known._first_received_at,
    known._loaded_at
from known left join latest using (who)
