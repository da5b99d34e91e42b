-- Rail and road bulk tonnes of each corridor month by month, the same goods once, drayage left out.
-- grain: corridor × month. Units: tonnes.
select
    corridor,
    month,
    sum(case when is_rail then tonnes else 0 end) as rail_tonnes,
    sum(case when is_road then tonnes else 0 end) as road_tonnes
from cube
where
    is_bulk
    and not is_drayage
    and counted_once
    and month between $first and $last
    and ($county is null or county_code = $county)
    and ($commodity is null or commodity = $commodity)
    and ($direction is null or direction = $direction)
    and ($scope_counties is null or list_contains($scope_counties, county_code))
    and ($scope_units is null or list_contains($scope_units, unit_code))
group by corridor, month
order by corridor, month
