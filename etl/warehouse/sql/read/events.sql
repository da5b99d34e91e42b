-- What happened in a period (集中修, 春节, 专用线开通).
-- grain: event.
select
    date,
    object_type,
    object,
    note
from in_event
where date between $first and last_day(cast($last as date))
order by date, object
