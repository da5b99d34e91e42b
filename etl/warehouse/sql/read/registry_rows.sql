-- Each unit's registry rows one after the other: what it was from when to when.
-- grain: unit × 生效日期. Units: tonnes a year. valid_to: the day before the next row, NULL = in force. A county sees
-- the whole history of a unit that lay in it in any month.
with inside as (
    select distinct unit_code
    from dim_unit_month
    where list_contains($scope_counties, county_code)
)

select
    unit_code,
    uscc,
    name,
    county_code,
    kind,
    industry,
    group_name,
    is_large,
    large_basis,
    is_new,
    in_catalogue,
    approved_tonnes,
    period_basis,
    production_state,
    exemption_basis,
    due_from,
    due_to,
    valid_from,
    cast(
        lead(valid_from) over (partition by unit_code order by coalesce(valid_from, date '0001-01-01'))
        - interval 1 day as date
    ) as valid_to
from in_registry
where
    ($scope_counties is null or unit_code in (select inside.unit_code from inside))
    and ($scope_units is null or list_contains($scope_units, unit_code))
order by unit_code, coalesce(valid_from, date '0001-01-01')
