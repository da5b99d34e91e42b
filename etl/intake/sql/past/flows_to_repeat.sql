-- The flows of $unit_code in $month as the template repeats them: all but what is typed anew, in the order of the file.
-- grain: flow; those that differ only in what is typed anew are one.
select
    commodity,
    direction,
    mode,
    origin,
    destination,
    counterparty,
    corridor,
    distance_km,
    if(is_drayage, '是', null) as drayage,
    transfer_station,
    loading,
    weighing_basis,
    note
from read_parquet($file)
where unit_code = $unit_code and month = $month
group by all
order by min(row_no)
