-- Which months there are, from the first that anything is known of to the month of the build.
-- grain: month. is_complete: the month was over on the day of the build, so its return can be due.
create table dim_month as
with bounds as (
    select min(first_month) as first_month, max(last_month) as last_month
    from (
        select min(month) as first_month, max(month) as last_month from in_submission
        union all
        select min(due_from), max(due_from) from in_registry where due_from <= (select as_of from dim_rule)
        union all
        select min(month), max(month) from in_official
        union all
        select date_trunc('month', as_of), date_trunc('month', as_of) from dim_rule
    ) as known
),

months as (
    select cast(unnest(generate_series(first_month, last_month, interval 1 month)) as date) as month
    from bounds
)

select
    months.month,
    last_day(months.month) as last_day,
    year(months.month) as year,
    month(months.month) as month_of_year,
    last_day(months.month) < dim_rule.as_of as is_complete
from months
cross join dim_rule
order by months.month
