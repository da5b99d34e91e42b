-- What the missing returns could carry: ΣM for each object, and the units of which nothing is known.
-- A missing month takes its reference months, else 核定年货运量 ÷ 12 (not under a filter or grouping that splits the
-- unit's goods). Source: DECISIONS.md 3, 4.
-- grain: indicator × object × kind. Units: tonnes × 27720, the smallest number that 1 … 12 divide: means stay exact.
with missing as (
    select out_population.indicator, fact_report.month, fact_report.unit_code, fact_report.county_code
    from fact_report
    inner join out_population
        on fact_report.month = out_population.month and fact_report.unit_code = out_population.unit_code
    where
        out_population.is_member
        and fact_report.is_expected
        and not fact_report.is_accepted
        and list_contains($indicators, out_population.indicator)
        and fact_report.month between $first and $last
        and ($county is null or fact_report.county_code = $county)
        and ($unit is null or fact_report.unit_code = $unit)
        and ($scope_counties is null or list_contains($scope_counties, fact_report.county_code))
        and ($scope_units is null or list_contains($scope_units, fact_report.unit_code))
),

goods as (
    select
        missing.*,
        flow.corridor,
        flow.commodity,
        flow.direction,
        missing_reference.weight
        * case when $once and not flow.counted_once then 0 else flow.denominator_tonnes end as tonnes_27720
    from missing
    inner join missing_reference
        on missing.month = missing_reference.month and missing.unit_code = missing_reference.unit_code
    inner join flow
        on
            missing.indicator = flow.indicator
            and missing.unit_code = flow.unit_code
            and missing_reference.reference_month = flow.month
    where
        ($corridor is null or flow.corridor = $corridor)
        and ($commodity is null or flow.commodity = $commodity)
        and ($direction is null or flow.direction = $direction)
        and flow.month between $first - interval 12 month and $last
        and list_contains($indicators, flow.indicator)
        and list_contains((select list(distinct gaps.unit_code) from missing as gaps), flow.unit_code)
),

-- Missing months without any accepted month to stand for them.
bare as (
    select
        missing.*,
        case when not $is_split then dim_unit_month.approved_tonnes end as approved_tonnes
    from missing
    left join (select distinct month, unit_code from missing_reference) as standing
        on missing.month = standing.month and missing.unit_code = standing.unit_code
    left join dim_unit_month
        on missing.month = dim_unit_month.month and missing.unit_code = dim_unit_month.unit_code
    where standing.unit_code is null
),

parts as (
    select indicator, month, unit_code, county_code, corridor, commodity, direction, tonnes_27720, '参照' as kind
    from goods
    union all
    select indicator, month, unit_code, county_code, null, null, '', approved_tonnes * 2310, '核定'
    from bare
    where approved_tonnes is not null
    union all
    select indicator, month, unit_code, county_code, null, null, '', 0, '未知'
    from bare
    where approved_tonnes is null
)

select
    indicator,
    case $by
        when 'city' then $area
        when 'county' then county_code
        when 'corridor' then corridor
        when 'enterprise' then unit_code
        when 'unit_direction' then unit_code || '|' || direction
        when 'commodity' then commodity
        when 'direction' then direction
        when 'month' then strftime(month, '%Y-%m')
    end as object,
    kind,
    sum(tonnes_27720) as tonnes_27720,
    list_sort(list(distinct unit_code)) as units
from parts
group by all
order by all
