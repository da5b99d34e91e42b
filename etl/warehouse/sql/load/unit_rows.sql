-- The rows of one unit from the files of its accepted months and of a return that is only being tried out.
-- grain: one uploaded row. $paths are the files' places on this machine, file_names says which is which.
select
    file_names.rows_file,
    parquet.* exclude (filename)
from read_parquet($paths, filename = true) as parquet
inner join file_names on parquet.filename = file_names.path
where parquet.unit_code = $unit and parquet.month >= $first
order by file_names.rows_file, parquet.row_no
