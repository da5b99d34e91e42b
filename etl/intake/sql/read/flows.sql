-- What each unit moved in a month by mode, direction and commodity, and the line with the most of it.
-- grain: unit × month × mode × direction × commodity. Units: tonnes, exact.
select
    unit_code,
    month,
    mode,
    direction,
    commodity,
    sum(tonnes) as tonnes,
    max_by(row_no, (tonnes, -row_no)) as largest_row
from stg_row
where
    is_data
    and not is_zero
    and tonnes is not null
    and mode is not null
    and direction is not null
    and commodity is not null
    and unit_code is not null
    and month is not null
group by all
order by all
