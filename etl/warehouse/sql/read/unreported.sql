-- A unit whose return of a month is still to come: what the demonstration's chooser offers to file one.
-- grain: one row, none where all have reported.
select
    fact_report.unit_code,
    dim_unit_month.name
from fact_report
inner join dim_unit_month
    on fact_report.unit_code = dim_unit_month.unit_code and fact_report.month = dim_unit_month.month
where
    fact_report.month = $month
    and fact_report.is_expected
    and not fact_report.is_accepted
order by fact_report.unit_code
limit 1
