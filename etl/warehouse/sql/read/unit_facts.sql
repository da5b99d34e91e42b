-- What the registry says of units in a month, with their spur.
-- grain: unit.
select dim_unit_month.*
from dim_unit_month
where
    month = $month
    and ($unit is null or unit_code = $unit)
    and ($scope_counties is null or list_contains($scope_counties, county_code))
    and ($scope_units is null or list_contains($scope_units, unit_code))
order by unit_code
