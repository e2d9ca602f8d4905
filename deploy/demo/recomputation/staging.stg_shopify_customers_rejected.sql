-- Each raw row about a customer that breaks a rule, and the first one that it breaks.
with judged as (
    select
        *,
        if(_event_type is not distinct from 'customers/redact', redacted_customer_id, id) as who,
        coalesce(_received_at, _timestamp, _loaded_at) as reached_at,
        greatest(_event_time, updated_at, created_at) as newest
    from raw.shopify_customers
    where _error is null
      and coalesce(_event_type, '') not in ('customers/data_request', 'shop/redact')
)
select
    _topic,
    _partition,
    _offset,
    case when who is null then 'missing_id'
         when created_at < timestamptz '2000-01-01 00:00:00+00' then 'created_too_early'
         when newest > reached_at + interval 24 hours then 'event_time_ahead'
    end as rule,
    case rule
         when 'missing_id' then 'no id that is an integer'
         when 'created_too_early' then 'created_at ' || told(created_at)
         when 'event_time_ahead' then told(newest) || ', received ' || told(reached_at)
    end as detail,
    _event_id as event_id,
    _event_type as event_type,
    _event_time as event_time,
    _received_at as received_at,
    _payload as payload,
    _loaded_at
from judged
where rule is not null
