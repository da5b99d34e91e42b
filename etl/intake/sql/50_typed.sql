-- Every line judged: what it is, what it says, and which rules it breaks.
-- grain: one line. flagged (check.py) is asked with the rules joined: flags0, flags1 … hold one bit a rule and
-- column, is_must says that one of them stops. blocking_row: lines that reading found to stop.
-- content: the columns of load/rows; another order, or a hash of another kind, makes every month look amended.
create table typed as
select
    row_no,
    unit_code,
    shown,
    month,
    tonnes,
    is_data,
    is_total,
    is_beyond,
    is_footer,
    is_zero,
    hash(
        direction, mode, commodity, origin, destination, counterparty, corridor, distance_km, tonnes,
        is_drayage, transfer_station, loading, boxes, vehicles, weighing_basis, note
    ) as content,
    columns('flags\d+'),
    is_must or row_no in (select row_no from blocking_row) as is_blocking
from flagged
