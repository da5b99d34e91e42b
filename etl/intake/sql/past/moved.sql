-- What $units moved by the rows in $files, whichever of them are the accepted ones.
-- grain: file × unit × month × mode × direction × commodity. Units: tonnes, exact.
select
    unit_code,
    month,
    mode,
    direction,
    commodity,
    sum(tonnes) as tonnes,
    filename as file
from read_parquet($files, filename = true)
where list_contains($units, unit_code)
group by all
