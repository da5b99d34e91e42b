-- Each unit's tonnes of one indicator's goods by mode, with the corridors that they use.
-- grain: unit × mode. Units: tonnes. A unit's own figures count all its rows.
select
    unit_code,
    mode,
    sum(denominator_tonnes) as tonnes,
    list_sort(list(distinct corridor)) as corridors
from flow
where
    indicator = $indicator
    and is_member
    and month between $first and $last
    and ($county is null or county_code = $county)
    and ($corridor is null or corridor = $corridor)
    and ($commodity is null or commodity = $commodity)
    and ($direction is null or direction = $direction)
    and ($scope_counties is null or list_contains($scope_counties, county_code))
    and ($scope_units is null or list_contains($scope_units, unit_code))
group by unit_code, mode
order by unit_code, mode
