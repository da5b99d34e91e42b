-- Each registered unit's bulk tonnes of a calendar year and its state in one month: what K4 is judged on.
-- grain: unit. Units: tonnes. Clause （五）; $first … $last is the reference year, $state_month the period's last month.
with tonnes as (
    select
        unit_code,
        sum(case when direction = '发运' then denominator_tonnes else 0 end) as out_tonnes,
        sum(case when direction = '到达' then denominator_tonnes else 0 end) as in_tonnes
    from grain_unit
    where indicator = 'K4' and month between $first and $last
    group by unit_code
),

reports as (
    select
        unit_code,
        count(*) as reports_expected,
        count(*) filter (where is_accepted) as reports_received
    from fact_report
    where is_expected and month between $first and $last
    group by unit_code
)

select
    dim_unit_month.unit_code,
    dim_unit_month.county_code,
    dim_unit_month.kind,
    dim_unit_month.is_active,
    dim_unit_month.is_active and dim_unit_month.is_large_or_new as could_be_obliged,
    dim_unit_month.in_catalogue,
    dim_unit_month.has_access,
    dim_unit_month.spur,
    coalesce(tonnes.out_tonnes, 0) as out_tonnes,
    coalesce(tonnes.in_tonnes, 0) as in_tonnes,
    case when could_be_obliged then coalesce(reports.reports_expected, 0) else 0 end as reports_expected,
    case when could_be_obliged then coalesce(reports.reports_received, 0) else 0 end as reports_received
from dim_unit_month
left join tonnes on dim_unit_month.unit_code = tonnes.unit_code
left join reports on dim_unit_month.unit_code = reports.unit_code
where
    dim_unit_month.month = $state_month
    and ($county is null or dim_unit_month.county_code = $county)
    and ($unit is null or dim_unit_month.unit_code = $unit)
    and ($scope_counties is null or list_contains($scope_counties, dim_unit_month.county_code))
    and ($scope_units is null or list_contains($scope_units, dim_unit_month.unit_code))
order by dim_unit_month.unit_code
