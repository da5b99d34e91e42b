-- Lines of one unit and month that say the same in every column as an earlier one.
-- grain: one line, at most $most; number: how many there are. alike has few lines, so cells are compared, no hashes.
with grouped as (
    select
        row_no,
        min(row_no) over (
            partition by
                coalesce(unit_code, shown), month,
                direction, mode, commodity, origin, destination, counterparty, corridor, distance_km, tonnes,
                is_drayage, transfer_station, loading, boxes, vehicles, weighing_basis, note
        ) as first_row
    from stg_row
    where row_no in (select row_no from alike)
)

select
    row_no,
    first_row,
    count(*) over () as number
from grouped
where row_no > first_row
order by row_no
limit $most
