-- Who is in each indicator's population in a month, and why not.
-- grain: indicator × unit. Only the unit decides here; see out_population.
select
    indicator,
    unit_code,
    county_code,
    is_member,
    reason
from out_population
where
    month = $month
    and list_contains($indicators, indicator)
    and ($county is null or county_code = $county)
    and ($scope_counties is null or list_contains($scope_counties, county_code))
    and ($scope_units is null or list_contains($scope_units, unit_code))
order by indicator, unit_code
