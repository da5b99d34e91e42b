-- The rows of every accepted file, with the name that the ledger knows the file by.
-- grain: one uploaded row. $paths are the files' places on this machine, file_names says which is which.
create table in_row as
select
    file_names.rows_file,
    parquet.* exclude (filename)
from read_parquet($paths, filename = true) as parquet
inner join file_names on parquet.filename = file_names.path
