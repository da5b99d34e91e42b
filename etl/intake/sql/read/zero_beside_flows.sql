-- Lines that report no traffic for a unit and month that has flows in the same file.
-- grain: one line.
select zero.row_no
from typed as zero
where
    zero.is_zero
    and zero.is_data
    and exists (
        select flow.row_no
        from typed as flow
        where
            flow.is_data
            and not flow.is_zero
            and flow.unit_code = zero.unit_code
            and flow.month = zero.month
    )
order by zero.row_no
