-- All returns that were expected and came, in unit-months: the coverage beside K1.
-- grain: object. A corridor counts the units with any row on it from 12 months before the period on.
with parts as (
    select distinct
        unit_code,
        corridor
    from cube
    where $by = 'corridor' and month between $first - interval 12 month and $last
)

select
    case $by
        when 'city' then $area
        when 'county' then fact_report.county_code
        when 'corridor' then parts.corridor
        else fact_report.unit_code
    end as object,
    count(*) as reports_expected,
    count(*) filter (where fact_report.is_accepted) as reports_received
from fact_report
left join parts on fact_report.unit_code = parts.unit_code
where
    fact_report.is_expected
    and fact_report.month between $first and $last
    and ($scope_counties is null or list_contains($scope_counties, fact_report.county_code))
    and ($scope_units is null or list_contains($scope_units, fact_report.unit_code))
group by all
order by all
