-- Where each unit-month begins in the file.
-- grain: unit × month.
select
    unit_code,
    month,
    min(row_no) as first_row
from typed
where is_data and unit_code is not null and month is not null
group by all
order by all
