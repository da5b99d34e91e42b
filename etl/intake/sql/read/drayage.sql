-- Drayage into a station, and what the same unit sends on from there by rail ($rail: the names of rail modes).
-- grain: unit × month × station with both. Units: tonnes, exact. largest_row: the line with most drayage.
with moved as (
    select
        unit_code,
        month,
        transfer_station as station,
        tonnes as drayed,
        0 as sent,
        row_no
    from stg_row
    where is_data and is_drayage and direction = '发运' and transfer_kind = 'station'
    union all
    select
        unit_code,
        month,
        origin,
        0,
        tonnes,
        null
    from stg_row
    where is_data and not is_drayage and direction = '发运' and list_contains($rail, mode)
)

select
    month,
    station,
    sum(drayed) as drayed,
    sum(sent) as sent,
    max_by(row_no, (drayed, -row_no)) filter (row_no is not null) as largest_row
from moved
where unit_code is not null and month is not null and station is not null
group by unit_code, month, station
having sum(drayed) > 0 and sum(sent) > 0
order by unit_code, month, station
