-- Shares of the whole city month by month, with the returns that were due: what the 公开版 makes its percentages of.
-- grain: indicator × month. Units: tonnes, the same goods once; reports in unit-months. No place and no unit.
with sums as (
    select
        indicator,
        month,
        sum(numerator_tonnes) as numerator_tonnes,
        sum(denominator_tonnes) as denominator_tonnes
    from measure
    where grain = 'place' and list_contains($indicators, indicator) and month between $first and $last
    group by indicator, month
),

reports as (
    select
        out_population.indicator,
        fact_report.month,
        count(*) as reports_expected,
        count(*) filter (where fact_report.is_accepted) as reports_received
    from fact_report
    inner join out_population
        on fact_report.month = out_population.month and fact_report.unit_code = out_population.unit_code
    where
        out_population.is_member
        and fact_report.is_expected
        and list_contains($indicators, out_population.indicator)
        and fact_report.month between $first and $last
    group by out_population.indicator, fact_report.month
)

select
    coalesce(sums.indicator, reports.indicator) as indicator,
    coalesce(sums.month, reports.month) as month,
    coalesce(sums.numerator_tonnes, 0) as numerator_tonnes,
    coalesce(sums.denominator_tonnes, 0) as denominator_tonnes,
    coalesce(reports.reports_expected, 0) as reports_expected,
    coalesce(reports.reports_received, 0) as reports_received
from sums
full join reports on sums.indicator = reports.indicator and sums.month = reports.month
order by indicator, month
