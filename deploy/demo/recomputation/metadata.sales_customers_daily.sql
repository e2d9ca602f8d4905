-- Who ordered on a day.
select order_date, currency, customer_id, count(*) as total_orders
from core.orders
where customer_id is not null
group by all
