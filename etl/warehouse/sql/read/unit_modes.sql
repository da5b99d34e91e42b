-- Each unit's bulk tonnes by mode, drayage left out, with the corridors that they use.
-- grain: unit × mode. Units: tonnes. A unit's own figures count all its rows.
select
    unit_code,
    mode,
    sum(tonnes) as tonnes,
    list_sort(list(distinct corridor)) as corridors
from cube
where
    is_bulk
    and not is_drayage
    and month between $first and $last
    and ($county is null or county_code = $county)
    and ($corridor is null or corridor = $corridor)
    and ($commodity is null or commodity = $commodity)
    and ($direction is null or direction = $direction)
    and ($unit is null or unit_code = $unit)
    and ($scope_counties is null or list_contains($scope_counties, county_code))
    and ($scope_units is null or list_contains($scope_units, unit_code))
group by unit_code, mode
order by unit_code, mode
