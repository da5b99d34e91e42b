-- A shipper's rail tonnes sent, as its returns and as the station's list have them, side by side.
-- grain: month × party × station × commodity, where the station gave its list and the party's returns are accepted.
-- file_names, accepted, unit_party, list_row, rail_mode and unit_name are of the ledger; $paths are the files' places.
-- A park's row that names another registered unit is that unit's goods: the station has them under the owner.
with
covered as (
    select distinct
        list_row.month,
        list_row.station
    from list_row
),

answered as (
    select
        covered_month.month,
        unit_party.party,
        bool_or(unit_party.is_shifted) as is_shifted
    from (select distinct covered.month from covered) as covered_month
    cross join unit_party
    left join accepted on covered_month.month = accepted.month and unit_party.unit_code = accepted.unit_code
    group by covered_month.month, unit_party.party
    having bool_and(accepted.unit_code is not null)
),

told as (
    select
        parquet.month,
        unit_party.party,
        parquet.origin as station,
        parquet.commodity,
        sum(parquet.tonnes) as tonnes
    from read_parquet($paths, filename = true) as parquet
    inner join file_names on parquet.filename = file_names.path
    inner join accepted
        on
            file_names.rows_file = accepted.rows_file
            and parquet.unit_code = accepted.unit_code
            and parquet.month = accepted.month
    inner join unit_party on parquet.unit_code = unit_party.unit_code
    inner join rail_mode on parquet.mode = rail_mode.mode
    inner join covered on parquet.month = covered.month and parquet.origin = covered.station
    left join unit_name on parquet.counterparty = unit_name.word
    where
        parquet.direction = '发运'
        and not (unit_party.is_park and coalesce(unit_name.unit_code, parquet.unit_code) != parquet.unit_code)
    group by parquet.month, unit_party.party, parquet.origin, parquet.commodity
),

listed as (
    select
        list_row.month,
        list_row.party,
        list_row.station,
        list_row.commodity,
        sum(list_row.tonnes) as tonnes
    from list_row
    group by list_row.month, list_row.party, list_row.station, list_row.commodity
),

both_sides as (
    select
        coalesce(told.month, listed.month) as month,
        coalesce(told.party, listed.party) as party,
        coalesce(told.station, listed.station) as station,
        coalesce(told.commodity, listed.commodity) as commodity,
        coalesce(told.tonnes, 0)::decimal(18, 3) as unit_tonnes,
        coalesce(listed.tonnes, 0)::decimal(18, 3) as station_tonnes
    from told
    full outer join listed
        on
            told.month = listed.month
            and told.party = listed.party
            and told.station = listed.station
            and told.commodity = listed.commodity
)

select
    both_sides.month,
    both_sides.party,
    both_sides.station,
    both_sides.commodity,
    both_sides.unit_tonnes,
    both_sides.station_tonnes,
    abs(both_sides.unit_tonnes - both_sides.station_tonnes)
    > case when answered.is_shifted then $period_share else $day_share end
    * greatest(both_sides.unit_tonnes, both_sides.station_tonnes) as is_different
from both_sides
inner join answered on both_sides.month = answered.month and both_sides.party = answered.party
order by both_sides.month, both_sides.party, both_sides.station, both_sides.commodity
