-- All returns that were expected and came, in unit-months: the coverage beside K1.
-- grain: object.
select
    case $by when 'city' then $area when 'county' then county_code else unit_code end as object,
    count(*) as reports_expected,
    count(*) filter (where is_accepted) as reports_received
from fact_report
where
    is_expected
    and month between $first and $last
    and ($county is null or county_code = $county)
    and ($scope_counties is null or list_contains($scope_counties, county_code))
    and ($scope_units is null or list_contains($scope_units, unit_code))
group by all
order by all
