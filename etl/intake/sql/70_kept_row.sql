-- The flows of all unit-months that are kept (not in blocked), typed, as the Parquet file of the ledger has them.
-- grain: one line with a flow. The columns from direction on are the content of a row, as typed hashes it.
create view kept_row as
select
    unit_code,
    month,
    sheet,
    row_no,
    direction,
    mode,
    commodity,
    origin,
    destination,
    counterparty,
    corridor,
    distance_km,
    tonnes,
    is_drayage,
    transfer_station,
    loading,
    boxes,
    vehicles,
    weighing_basis,
    note
from asked
where
    is_data
    and not is_zero
    and unit_code is not null
    and month is not null
    and not exists (
        select blocked.unit_code
        from blocked
        where blocked.unit_code = asked.unit_code and blocked.month = asked.month
    )
