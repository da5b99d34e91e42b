-- A share of the units that reported every month of both periods (可比单位), for 同比 on the same units.
-- grain: indicator. Units: tonnes. Unit rows as in the collective: the same goods once.
with complete as (
    select unit_code
    from fact_report
    where
        month between $first and $last
        or month between $first - interval 12 month and $last - interval 12 month
    group by unit_code
    having count(*) filter (where is_accepted) = 2 * $months
)

select
    measure.indicator,
    count(distinct measure.unit_code) as units,
    sum(case when measure.month >= $first then measure.numerator_tonnes else 0 end) as numerator_now,
    sum(case when measure.month >= $first then measure.denominator_tonnes else 0 end) as denominator_now,
    sum(case when measure.month < $first then measure.numerator_tonnes else 0 end) as numerator_before,
    sum(case when measure.month < $first then measure.denominator_tonnes else 0 end) as denominator_before
from measure
inner join complete on measure.unit_code = complete.unit_code
where
    measure.grain = 'once'
    and list_contains($indicators, measure.indicator)
    and (
        measure.month between $first and $last
        or measure.month between $first - interval 12 month and $last - interval 12 month
    )
group by measure.indicator
order by measure.indicator
