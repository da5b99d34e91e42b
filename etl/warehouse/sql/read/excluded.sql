-- Rows that are in no indicator, by reason.
-- grain: reason. Units: tonnes.
select
    excluded_reason,
    count(*) as movements,
    count(distinct unit_code) as units,
    sum(tonnes) as tonnes
from fact_movement
where
    excluded_reason is not null
    and month between $first and $last
    and ($county is null or county_code = $county)
group by excluded_reason
order by excluded_reason
