-- The cells of a CSV file as text, read in parallel: column n of the file is c<n>, from 0.
-- grain: one line below the header. $file, $skip (lines up to the header), $delimiter; $columns: name → varchar.
-- A line with more cells than the header, a stray quote or a bad byte is an error: the counted way says where.
create table raw as
select *
from
    read_csv(
        $file,
        skip = $skip,
        header = false,
        columns = $columns,
        auto_detect = false,
        delim = $delimiter,
        quote = '"',
        escape = '"',
        null_padding = true,
        strict_mode = true
    )
