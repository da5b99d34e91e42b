-- Every unit that the scope may see, with its newest registry row. A county sees a unit that lay in it in any month.
-- grain: unit.
with newest as (
    select
        in_registry.*,
        row_number() over (partition by unit_code order by coalesce(valid_from, date '0001-01-01') desc) as recency
    from in_registry
),

inside as (
    select distinct unit_code
    from dim_unit_month
    where list_contains($scope_counties, county_code)
)

select unit_code, name, county_code, kind
from newest
where
    recency = 1
    and ($scope_counties is null or unit_code in (select inside.unit_code from inside))
    and ($scope_units is null or list_contains($scope_units, unit_code))
order by unit_code
