-- How many returns of an indicator's population were expected and came, in unit-months.
-- grain: indicator × object. Where a filter or the grouping splits a unit's goods ($is_split), only units with such
-- goods from 12 months before the period on. Source: DECISIONS.md 11.
with active as (
    select distinct
        indicator,
        unit_code,
        case $by when 'corridor' then corridor when 'commodity' then commodity when 'direction' then direction end
            as part
    from flow
    where
        $is_split
        and list_contains($indicators, indicator)
        and month between $first - interval 12 month and $last
        and ($corridor is null or corridor = $corridor)
        and ($commodity is null or commodity = $commodity)
        and ($direction is null or direction = $direction)
),

expected as (
    select
        out_population.indicator,
        fact_report.month,
        fact_report.unit_code,
        fact_report.county_code,
        fact_report.is_accepted
    from fact_report
    inner join out_population
        on fact_report.month = out_population.month and fact_report.unit_code = out_population.unit_code
    where
        out_population.is_member
        and fact_report.is_expected
        and list_contains($indicators, out_population.indicator)
        and fact_report.month between $first and $last
        and ($county is null or fact_report.county_code = $county)
        and ($unit is null or fact_report.unit_code = $unit)
        and ($scope_counties is null or list_contains($scope_counties, fact_report.county_code))
        and ($scope_units is null or list_contains($scope_units, fact_report.unit_code))
)

select
    expected.indicator,
    case $by
        when 'city' then $area
        when 'county' then expected.county_code
        when 'enterprise' then expected.unit_code
        when 'month' then strftime(expected.month, '%Y-%m')
        else active.part
    end as object,
    count(*) as reports_expected,
    count(*) filter (where expected.is_accepted) as reports_received
from expected
left join active on expected.indicator = active.indicator and expected.unit_code = active.unit_code
where not $is_split or active.unit_code is not null
group by all
order by all
