-- Half-up, on integers: DuckDB divides decimals as floats.
create macro half_up(units, parts) as
    case when parts > 0 then
        (sign(units) * ((2 * abs(units::hugeint) + parts) // (2 * parts)))::decimal(30, 0)
    end;
create macro cents(amount) as (amount * 100)::hugeint;
-- A text member of a JSON object; blank ones are none.
create macro member(json, name) as
    case when json_type(json, '$.' || name) = 'VARCHAR'
         then nullif(trim(json ->> ('$.' || name)), '') end;
create macro elements(json) as
    case when json_type(json) = 'ARRAY' then json_array_length(json)::integer else 0 end;
create macro told(moment) as strftime(moment, '%Y-%m-%dT%H:%M:%S.%fZ');
