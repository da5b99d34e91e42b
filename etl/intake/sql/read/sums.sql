-- How much the file says: data lines and their tonnes, and lines that are totals or remarks.
-- grain: one row. Units: tonnes, exact.
select
    count(*) filter (is_data) as data_rows,
    coalesce(sum(tonnes) filter (is_data), 0) as tonnes,
    count(*) filter (is_total or is_footer) as other_rows
from typed
