-- Of each customer the earliest order that was not cancelled.
select customer_id, order_id, order_date, hour(created_at)::integer as order_hour, created_at
from core.orders
where customer_id is not null and not is_cancelled
qualify row_number() over (partition by customer_id order by created_at, order_id) = 1
