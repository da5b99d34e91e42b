-- What can stand for a missing return: the same month of last year if accepted, else the accepted of the 12 before.
-- grain: missing month × unit × reference month; no row where nothing was ever accepted. Source: DECISIONS.md 4.
-- weight: what part of the reference month counts, × 27720, the smallest number that 1 … 12 divide: means stay exact.
create table missing_reference as
with standing as (
    select
        missing.month,
        missing.unit_code,
        accepted.month as reference_month,
        accepted.month = missing.month - interval 12 month as is_same_month
    from fact_report as missing
    inner join fact_report as accepted
        on
            missing.unit_code = accepted.unit_code
            and accepted.is_accepted
            and accepted.month between missing.month - interval 12 month and missing.month - interval 1 month
    where missing.is_expected and not missing.is_accepted
),

weighed as (
    select
        month,
        unit_code,
        reference_month,
        case
            when bool_or(is_same_month) over unit_gap then case when is_same_month then 27720 else 0 end
            else 27720 // count(*) over unit_gap
        end as weight
    from standing
    window unit_gap as (partition by month, unit_code)
)

select month, unit_code, reference_month, weight
from weighed
where weight > 0
