-- Totals and remarks, with the tonnes printed in them and the sum of the data lines above.
-- grain: one line that is a total or a remark. Units: tonnes, exact.
with summed as (
    select
        row_no,
        is_total,
        is_beyond,
        is_footer,
        tonnes as printed,
        sum(tonnes) filter (is_data) over (order by row_no) as above
    from typed
)

select
    row_no,
    is_total,
    if(is_beyond, null, printed) as printed,
    coalesce(above, 0) as above
from summed
where is_total or is_footer
order by row_no
