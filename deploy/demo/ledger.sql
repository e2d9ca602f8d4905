-- Which row belongs to which event that was promised.
--
-- A row that has the delivery id of another one is there twice, whatever else it holds; only the
-- first of them takes part. Deliveries of one event are found by the id in their answer; events of
-- arrays by topic and event id, as often as they were sent. Repetitions of one event that differ
-- in their bytes (attempts are counted in them) are paired in the order of the bytes.
create temp table numbered as
    select *,
        _delivery_id is not null and row_number() over (
            partition by _delivery_id order by _topic, _partition, _offset
        ) > 1 as doubled
    from raw;
create temp table rows_by_name as
    select *, row_number() over (partition by name order by _payload) as place
    from (
        select *,
            case when _delivery_id in (select delivery_id from promised) then _delivery_id
                else _topic || '|' || _event_id end as name
        from numbered where not doubled
    );
create temp table promised_by_name as
    select *, row_number() over (partition by name order by body) as place
    from (select *, coalesce(delivery_id, topic || '|' || event_id) as name from promised);
create temp table matched as
    select * from promised_by_name join rows_by_name using (name, place);
create temp table lost as
    select * from promised_by_name anti join rows_by_name using (name, place);
create temp table unasked as
    select * from rows_by_name anti join promised_by_name using (name, place);
-- then
select
    (select count(*) from promised) as events,
    (select count(*) from raw) as raw,
    (select sum(offsets)::bigint from logs) as offsets,
    (select count(*) from lost) as lost,
    (select count(*) from numbered where doubled) as duplicated,
    (select count(*) from unasked) as unasked,
    (select count(*) from matched
        where _topic <> topic
           or (event_id is not null and _event_id is distinct from event_id)
           or (key is not null and _key is distinct from key)
           or _event_type is distinct from event_type) as misplaced,
    (select count(*) from matched
        where body is not null and encode(_payload) is distinct from body) as altered,
    (select count(*) from raw where _error is not null) as errors,
    (select count(*) from matched where (_drift is not null) <> drift) as undeclared_drift,
    (select count(*) from
        (select 1 from raw group by _topic, _partition, _offset having count(*) > 1))
        as repeated_offsets
-- then
select
    table_name as "table",
    (select count(*) from promised where promised.topic = logs.topic) as events,
    (select count(*) from raw where raw.table_name = logs.table_name) as "rows",
    offsets,
    (select count(*) from lost where lost.topic = logs.topic) as lost,
    (select count(*) from numbered
        where doubled and numbered.table_name = logs.table_name) as doubled,
    (select count(*) from unasked where unasked.table_name = logs.table_name) as unasked
from logs
order by table_name
-- then
with kept as (
    select *, row_number() over (partition by name order by name) as place
    from (
        select "value" as body,
            case when delivery_id in (select delivery_id from refused) then delivery_id
                else to_base64("value") end as name
        -- What is wrong with files that were named is told of their announcements.
        from letters where letters.topic is distinct from 'ga4.exports'
    )
), wanted as (
    select *, row_number() over (partition by name order by name) as place
    from (select body, coalesce(delivery_id, to_base64(body)) as name from refused)
)
select
    (select count(*) from refused) as expected,
    (select count(*) from wanted join kept using (name, place)
        where kept.body = wanted.body) as kept,
    (select count(*) from kept anti join wanted using (name, place)) as unasked
