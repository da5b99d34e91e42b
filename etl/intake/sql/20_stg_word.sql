-- Each cell read: its value and how it was read ('' as written, 'blank', or a reading of words.py).
-- grain: one line. Plain words stand for themselves and plain numbers are cast here; word says what the other
-- cells of a column mean, word_key what month, codes and name mean together. written: the cells as they stand.
create view stg_word as
select
    line.row_no,
    line as written,
    word_key.month, word_key.month_reading,
    word_key.uscc, word_key.uscc_reading,
    word_key.unit_code, word_key.unit_code_reading,
    word_key.enterprise_name, word_key.enterprise_name_reading,
    word_key.shown, word_key.unit_problem, word_key.unit_known, word_key.name_problem, word_key.registered_name,
    word_key.is_foreign_unit,
    line.has_own_key and word_key.is_key as is_key_line,
    line.other_word,
    commodity_is_fixed or direction_is_fixed or mode_is_fixed as is_fixed,
    (commodity_is_fixed or line.commodity is null or (commodity.cell is not null and commodity.value is null))
    and (direction_is_fixed or line.direction is null or (direction.cell is not null and direction.value is null))
    and (mode_is_fixed or line.mode is null or (mode.cell is not null and mode.value is null)) as is_flowless,
    if(commodity.cell is null, line.commodity, commodity.value) as commodity,
    if(line.commodity is null, 'blank', coalesce(commodity.reading, '')) as commodity_reading,
    if(direction.cell is null, line.direction, direction.value) as direction,
    if(line.direction is null, 'blank', coalesce(direction.reading, '')) as direction_reading,
    if(mode.cell is null, line.mode, mode.value) as mode,
    if(line.mode is null, 'blank', coalesce(mode.reading, '')) as mode_reading,
    if(origin.cell is null, line.origin, origin.value) as origin,
    if(line.origin is null, 'blank', coalesce(origin.reading, '')) as origin_reading,
    origin.extra as origin_corridor,
    if(destination.cell is null, line.destination, destination.value) as destination,
    if(line.destination is null, 'blank', coalesce(destination.reading, '')) as destination_reading,
    destination.extra as destination_corridor,
    if(counterparty.cell is null, line.counterparty, counterparty.value) as counterparty,
    if(line.counterparty is null, 'blank', coalesce(counterparty.reading, '')) as counterparty_reading,
    if(corridor.cell is null, line.corridor, corridor.value) as corridor,
    if(line.corridor is null, 'blank', coalesce(corridor.reading, '')) as corridor_reading,
    if(km.cell is null, try_cast(line.distance_km as decimal(18, 9)), km.value::decimal(18, 9)) as distance_km,
    if(line.distance_km is null, 'blank', coalesce(km.reading, '')) as distance_km_reading,
    if(tonnes.cell is null, try_cast(line.tonnes as decimal(18, 3)), tonnes.value::decimal(18, 3)) as tonnes,
    if(line.tonnes is null, 'blank', coalesce(tonnes.reading, '')) as tonnes_reading,
    if(drayage.cell is null, line.drayage, drayage.value) as drayage,
    if(line.drayage is null, 'blank', coalesce(drayage.reading, '')) as drayage_reading,
    if(transfer.cell is null, line.transfer_station, transfer.value) as transfer_station,
    if(line.transfer_station is null, 'blank', coalesce(transfer.reading, '')) as transfer_station_reading,
    transfer.extra as transfer_kind,
    if(loading.cell is null, line.loading, loading.value) as loading,
    if(line.loading is null, 'blank', coalesce(loading.reading, '')) as loading_reading,
    if(boxes.cell is null, try_cast(line.boxes as integer), boxes.value::integer) as boxes,
    if(line.boxes is null, 'blank', coalesce(boxes.reading, '')) as boxes_reading,
    if(vehicles.cell is null, try_cast(line.vehicles as integer), vehicles.value::integer) as vehicles,
    if(line.vehicles is null, 'blank', coalesce(vehicles.reading, '')) as vehicles_reading,
    if(basis.cell is null, line.weighing_basis, basis.value) as weighing_basis,
    if(line.weighing_basis is null, 'blank', coalesce(basis.reading, '')) as weighing_basis_reading,
    if(note.cell is null, line.note, note.value) as note,
    if(line.note is null, 'blank', coalesce(note.reading, '')) as note_reading,
    coalesce(note.extra = 'zero', false) as is_zero_word,
    word_key.is_total or coalesce('total' in (
        commodity.reading, direction.reading, mode.reading, origin.reading, destination.reading,
        counterparty.reading, corridor.reading
    ), false) as is_total
from line
left join word_key
    on
        line.month is not distinct from word_key.month_cell
        and line.uscc is not distinct from word_key.uscc_cell
        and line.unit_code is not distinct from word_key.unit_code_cell
        and line.enterprise_name is not distinct from word_key.enterprise_name_cell
left join word as commodity on commodity.field = 'commodity' and line.commodity = commodity.cell
left join word as direction on direction.field = 'direction' and line.direction = direction.cell
left join word as mode on mode.field = 'mode' and line.mode = mode.cell
left join word as origin on origin.field = 'origin' and line.origin = origin.cell
left join word as destination on destination.field = 'destination' and line.destination = destination.cell
left join word as counterparty on counterparty.field = 'counterparty' and line.counterparty = counterparty.cell
left join word as corridor on corridor.field = 'corridor' and line.corridor = corridor.cell
left join word as km on km.field = 'distance_km' and line.distance_km = km.cell
left join word as tonnes on tonnes.field = 'tonnes' and line.tonnes = tonnes.cell
left join word as drayage on drayage.field = 'drayage' and line.drayage = drayage.cell
left join word as transfer on transfer.field = 'transfer_station' and line.transfer_station = transfer.cell
left join word as loading on loading.field = 'loading' and line.loading = loading.cell
left join word as boxes on boxes.field = 'boxes' and line.boxes = boxes.cell
left join word as vehicles on vehicles.field = 'vehicles' and line.vehicles = vehicles.cell
left join word as basis on basis.field = 'weighing_basis' and line.weighing_basis = basis.cell
left join word as note on note.field = 'note' and line.note = note.cell
