-- Who had to report each month and who did.
-- grain: month × unit, for units with a registry row in force or an accepted return.
-- state: 已报, 零申报, 未报, 停产, 不应报. A missing return is a row here, never a zero in the facts.
create table fact_report as
select
    coalesce(dim_unit_month.month, in_submission.month) as month,
    coalesce(dim_unit_month.unit_code, in_submission.unit_code) as unit_code,
    dim_unit_month.county_code,
    coalesce(dim_unit_month.is_expected, false) as is_expected,
    in_submission.submission_id is not null as is_accepted,
    in_submission.submission_id,
    in_submission.version,
    in_submission.received_on,
    in_submission.first_received_on,
    dim_due.due_on,
    coalesce(in_submission.first_received_on > dim_due.due_on, false) as is_late,
    case
        when in_submission.is_zero then '零申报'
        when in_submission.submission_id is not null then '已报'
        when dim_unit_month.is_expected then '未报'
        when not dim_unit_month.is_active then '停产'
        else '不应报'
    end as state
from dim_unit_month
full outer join in_submission
    on dim_unit_month.month = in_submission.month and dim_unit_month.unit_code = in_submission.unit_code
left join dim_due
    on coalesce(dim_unit_month.month, in_submission.month) = dim_due.month
