-- The lines of the file that are read: number as Excel shows it, and our columns as text.
-- grain: one line with anything in it. in_line (stage.py) says which cell of raw feeds which column; a column
-- that the file lacks is NULL. has_own_key: month or code stand on the line itself, not in the head block.
-- other_word: 合计 or 填表人： in a column that is not ours. A header that is printed again is no line.
-- …_is_fixed: a mapping says it of all lines.
create view line as
select
    row_no,
    has_own_key,
    other_word,
    commodity_is_fixed,
    direction_is_fixed,
    mode_is_fixed,
    month,
    uscc,
    unit_code,
    enterprise_name,
    commodity,
    direction,
    mode,
    origin,
    destination,
    counterparty,
    corridor,
    distance_km,
    tonnes,
    drayage,
    transfer_station,
    loading,
    boxes,
    vehicles,
    weighing_basis,
    note
from in_line
where is_filled and is_taken and not is_header_again
